import torch

from core.function.few_shot import PrototypeHead, masked_cross_entropy


def test_the_nearer_mean_wins_and_padding_counts_for_nothing():
    support = torch.tensor([[[0.0, 0.0], [0.0, 2.0], [4.0, 0.0], [9.0, 9.0]]])
    classes = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]])
    query = torch.tensor([[[0.0, 1.0], [4.0, 0.0], [2.0, 0.5]]])
    logits = PrototypeHead(2)(support, classes, query)
    # means (0, 1) and (4, 0); squared distances divided by d = 2
    expected = torch.tensor([[[0.0, -8.5], [-8.5, 0.0], [-2.125, -2.125]]])
    assert torch.allclose(logits, expected, atol=1e-5)


def test_one_task_is_answered_as_in_a_batch_of_tasks():
    torch.manual_seed(0)
    support, query = torch.randn(3, 6, 5), torch.randn(3, 4, 5)
    classes = torch.eye(2)[torch.tensor([0, 0, 1, 1, 1, 0])].expand(3, -1, -1)
    head = PrototypeHead(5)
    together = head(support, classes, query).softmax(-1)[..., 1]
    for task in range(3):
        alone = head.answer(head.adapt(support[task], classes[task]), query[task])
        assert torch.allclose(alone, together[task], atol=1e-6)


def test_masked_questions_do_not_count():
    logits = torch.tensor([[[0.0, 0.0], [50.0, -50.0]]])
    labels, mask = torch.tensor([[1, 1]]), torch.tensor([[1.0, 0.0]])
    assert torch.isclose(masked_cross_entropy(logits, labels, mask), torch.tensor(2.0).log())
