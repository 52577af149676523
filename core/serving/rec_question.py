"""A question of cold-start recommendation: what a new user rated, and which list is wanted.

An item is named by its id of the model's catalogue, or, where the question brings a user's own
items, by its id in that file. Ratings stand in the order in which they were given, newest last.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from core.errors import InputError, Remark, UnknownName
from core.knowledge.ratings import Ratings, Scale
from core.serving.rec_model import RecModel

MAX_GIVEN = 500
MAX_LENGTH = 100
MAX_NEWEST = 50
ENOUGH = 3  # given ratings below which a notice is due


@dataclass(frozen=True)
class Question:
    """A question.

    Attributes:
        model: artifact.
        given: id of the item and rating, newest last.
        method: one of `core.serving.rec_model.METHODS`.
        hide_rated: leave rated items out of the list.
        length: items wanted.
        years: first and last year of items, None for all.
        kinds: values of the catalogue's main field, such as genres; items with any of them are
            listed. Empty for all.
        newest: given ratings that are used, counted from the newest.
        user: name and value of the user's properties, for models that read them.
        items: upload with a user's own items, which take the place of the catalogue; empty for the
            catalogue.
    """

    model: str
    given: tuple[tuple[str, float], ...] = ()
    method: str = "coldnas"
    hide_rated: bool = True
    length: int = 10
    years: tuple[int, int] | None = None
    kinds: tuple[str, ...] = ()
    newest: int = 20
    user: tuple[tuple[str, str], ...] = ()
    items: str = ""

    def __post_init__(self) -> None:
        if len(self.given) > MAX_GIVEN:
            raise InputError(
                "RC-E09", "Too many ratings", f"{len(self.given):,} ratings are given.",
                f"At most {MAX_GIVEN} can be given to one question.",
            )  # fmt: skip
        if not (1 <= self.length <= MAX_LENGTH and 1 <= self.newest <= MAX_NEWEST):
            raise InputError(
                "RC-E10", "Not a length", f"A list of {self.length} from {self.newest} ratings;",
                f"a list has 1 to {MAX_LENGTH} items, from at most {MAX_NEWEST} ratings.",
            )  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Plain values; `from_json` restores an equal question."""
        return asdict(self) | {
            "given": [list(one) for one in self.given],
            "years": list(self.years) if self.years else None,
            "kinds": list(self.kinds),
            "user": [list(one) for one in self.user],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Question":
        """Inverse of `to_json`.

        Raises:
            InputError: RC-E09, RC-E10.
        """
        return cls(
            **{
                **value,
                "given": tuple((str(item), float(rating)) for item, rating in value["given"]),
                "years": tuple(value["years"]) if value["years"] else None,
                "kinds": tuple(value["kinds"]),
                "user": tuple((str(name), str(one)) for name, one in value["user"]),
            }
        )

    def with_rating(self, item: str, rating: float | None) -> "Question":
        """The same question with one rating changed or added as the newest; None takes it out."""
        if rating is None:
            return replace(self, given=tuple(one for one in self.given if one[0] != item))
        if item in dict(self.given):
            changed = tuple((one, rating if one == item else old) for one, old in self.given)
            return replace(self, given=changed)
        return replace(self, given=(*self.given, (item, rating)))


def read_given(question: Question, model: RecModel) -> tuple[Ratings, list[Remark]]:
    """The ratings that are used, in rows of the catalogue, and what is worth knowing of them.

    Raises:
        UnknownName: RC-E02, an item is not in the catalogue.
        InputError: RC-E03, a rating is outside the scale; RC-E04, an item occurs twice.
    """
    rows, seen = [], {}
    for item, rating in question.given:
        if item not in model.row_of:
            raise UnknownName(
                "RC-E02", "Unknown item", item, (*model.catalogue.titles, *model.catalogue.ids),
                kind="this catalogue", hint="Pick one from the list.",
            )  # fmt: skip
        check_rating(rating, model.scale, model.title_of(item))
        if item in seen:
            raise InputError(
                "RC-E04", "Same item twice",
                f"{model.title_of(item)} is rated {seen[item]:g} and {rating:g}.", "Keep one.",
            )  # fmt: skip
        seen[item] = rating
        rows.append(model.row_of[item])
    used = slice(-question.newest, None)
    given = Ratings.of(rows[used], [rating for _, rating in question.given[used]])
    return given, _remarks(question, model)


def check_rating(rating: float, scale: Scale, where: str = "") -> None:
    """Make sure that a rating is on the scale.

    Raises:
        InputError: RC-E03.
    """
    if not scale.contains(rating):
        raise InputError(
            "RC-E03", "Rating outside the scale",
            f"{rating:g} is not between {scale.low:g} and {scale.high:g}.", "Correct it.", where,
        )  # fmt: skip


def _remarks(question: Question, model: RecModel) -> list[Remark]:
    num, found = len(question.given), []
    if num < ENOUGH:
        said = (
            f"Rate at least {ENOUGH} {model.words.items} to see your own list. You have {num}; "
            "until then the list is close to what everybody likes."
        )
        found.append(Remark("RC-E01", f"Rate at least {ENOUGH} {model.words.items}", said))
    if all_equal(question):
        said = (
            f"I cannot learn a preference from {num} identical ratings; the list below is by "
            "popularity and marked so."
        )
        found.append(Remark("RC-E05", "All your ratings are the same", said))
    if num > question.newest:
        said = (
            f"There are {num} ratings; the {question.newest} newest are used. Change this under "
            "Options."
        )
        found.append(Remark("RC-E07", "Not cold-start", said))
    return found


def all_equal(question: Question) -> bool:
    """Whether the used ratings, three or more, are all the same."""
    used = [rating for _, rating in question.given[-question.newest :]]
    return len(used) >= ENOUGH and len(set(used)) == 1
