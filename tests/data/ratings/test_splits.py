import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data.ratings.splits import (
    cold_start,
    draw_episode,
    group_by_user,
    keep_core,
    split_users,
)
from core.errors import ShapeError
from core.knowledge.ratings import Catalogue, Ratings, Scale

TEN = Ratings.of(range(10), range(10))


@given(st.integers(0, 300), st.integers(0, 5))
def test_every_user_is_in_one_part(num, seed):
    parts = split_users(num, seed)
    assert sorted(sum(parts, ())) == list(range(num))
    assert len(parts[0]) == num * 7 // 10
    assert len(parts[2]) == num - num * 8 // 10


def test_the_seed_decides_who_is_where():
    assert split_users(50, 1) == split_users(50, 1) != split_users(50, 2)


@pytest.mark.parametrize("num_given", [0, 1, 9])
def test_an_episode_gives_some_ratings_and_asks_for_the_others(num_given):
    episode = draw_episode(3, TEN, num_given, np.random.default_rng(0))
    assert (episode.user, len(episode.support), len(episode.query)) == (
        3,
        num_given,
        10 - num_given,
    )
    both = np.concatenate([episode.support.item, episode.query.item])
    assert sorted(both) == list(range(10))
    assert (episode.query.rating == episode.query.item).all()  # each keeps its own rating


def test_given_ratings_are_random_and_asked_ones_can_be_bounded():
    rng = np.random.default_rng(0)
    firsts = [draw_episode(0, TEN, 1, rng, num_asked=4) for _ in range(2000)]
    counts = np.bincount([episode.support.item[0] for episode in firsts], minlength=10)
    assert 140 < counts.min() <= counts.max() < 260  # 200 expected, deviation 13
    assert {len(episode.query) for episode in firsts} == {4}


@pytest.mark.parametrize("num_given", [-1, 10, 11])
def test_one_rating_must_be_left_to_ask_for(num_given):
    with pytest.raises(ShapeError, match="of 10 ratings cannot be given"):
        draw_episode(0, TEN, num_given, np.random.default_rng(0))


def test_the_last_rating_of_a_repeated_pair_counts():
    groups = group_by_user(
        np.array([7, 2, 7, 7, 2]), np.array([1, 5, 0, 1, 4]), np.array([1, 2, 3, 4, 5])
    )
    assert [group.item.tolist() for group in groups] == [[4, 5], [0, 1]]
    assert [group.rating.tolist() for group in groups] == [[5, 2], [3, 4]]


def test_the_core_is_found_again_and_again():
    # item 2 is rare; without it user 1 is rare; without that one item 1 is rare too
    user = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    item = np.array([0, 3, 1, 2, 0, 3, 1, 0])
    kept = keep_core(user, item, 2, 2)
    assert kept.tolist() == [True, True, False, False, True, True, False, False]
    assert not keep_core(user, item, 3, 2).any()


def test_only_users_with_a_fitting_number_of_ratings_make_episodes():
    lengths = [3, 4, 5, 9, 10] * 20
    histories = [Ratings.of(range(num), [1] * num) for num in lengths]
    catalogue = Catalogue(tuple(map(str, range(10))), tuple("abcdefghij"))
    data = cold_start("x", catalogue, Scale(1, 5), histories, num_given=3, most=9)
    assert [len(ratings) for ratings in data.warm] == [lengths[user] for user in data.warm_users]
    assert len(data.warm) == 70
    for episode in data.valid + data.test:
        assert len(episode.support) == 3
        assert 1 <= len(episode.query) <= 6
    asked = {len(episode.query) + 3 for episode in data.valid + data.test}
    assert asked == {4, 5, 9}
    others = set(range(100)) - set(data.warm_users)
    assert {episode.user for episode in data.valid + data.test} <= others
