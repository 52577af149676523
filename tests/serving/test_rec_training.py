"""A person's own ratings of many users: kept, found again, submitted."""

import pytest

from core import jobs
from core.data.ratings.histories import InteractionChoices, example_interactions_file
from core.errors import InputError
from core.serving import rec_training
from core.store import Store


@pytest.fixture(scope="module")
def kept():
    return rec_training.keep_upload(*example_interactions_file(), InteractionChoices())


def test_a_kept_file_is_read_again_with_the_same_choices(kept):
    found = rec_training.load_upload(kept)
    assert len(found.data.warm) >= 140
    name, content = example_interactions_file()
    turned = content.replace(b",rating", b",points", 1)
    first = next(number for number, column in enumerate(found.columns) if column.role == "rating")
    other = rec_training.keep_upload(name, turned, InteractionChoices(((first, "rating"),)))
    again = rec_training.load_upload(other)
    assert again.columns[first].role == "rating"
    assert len(again.data.warm) == len(found.data.warm)


def test_files_that_cannot_be_trained_on_are_not_kept():
    with pytest.raises(InputError, match="RC-E06"):
        rec_training.keep_upload(
            "few.csv", b"user,item,rating\na,x,1\na,y,5\nb,x,3\n", InteractionChoices()
        )
    with pytest.raises(InputError, match="RC-E21"):
        rec_training.load_upload("nothing")
    graph = Store.open().save_upload(name="g.csv", content=b"a,b,c", kind="graph", summary={})
    with pytest.raises(InputError, match="RC-E21"):
        rec_training.load_upload(graph)


def test_the_job_holds_what_the_training_needs_and_is_found_by_its_upload(kept):
    assert rec_training.find(kept) is None
    job = rec_training.submit(kept, "labs.csv")
    found = rec_training.find(kept)
    assert (found.id, found.kind, found.title) == (job, "train", "Train ColdNAS on labs.csv")
    assert found.params == {
        "method": "coldnas", "data": f"upload:{kept}", "seed": 0, "overrides": {},
        "artifact": rec_training.artifact_name(kept),
    }  # fmt: skip
    jobs.cancel(job)


def test_a_given_structure_is_part_of_the_job_and_takes_less_time(kept):
    job = rec_training.submit(kept, "labs.csv", "film")
    assert jobs.find(job).params["overrides"] == {"structure": "film"}
    jobs.cancel(job)
    data = rec_training.load_upload(kept).data
    assert rec_training.estimate_s(data, "film") < rec_training.estimate_s(data)


def test_the_name_of_the_model_does_not_give_the_upload_away(kept):
    name = rec_training.artifact_name(kept)
    assert name.startswith("coldnas-own-")
    assert len(name) == 36
    assert kept[:6] not in name
    assert rec_training.artifact_name("other") != name


def test_the_time_grows_with_the_users(kept):
    data = rec_training.load_upload(kept).data
    assert rec_training.estimate_s(data) == pytest.approx(25 + 2e-3 * len(data.warm) * 160)
