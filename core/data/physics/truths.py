"""The laws of the simulated systems, as an engine would have to write them."""

import re
from collections.abc import Mapping

from core.knowledge.physics.expression import parse
from core.knowledge.physics.law import Law, Step


def _formula(level: str, name: str, text: str, *, vector: bool = False) -> Step:
    names = re.findall(r"[^\W\d]\w*", text)
    return Step(name, level, parse(text, names), vector=vector)


def _sum(level: str, name: str, of: str) -> Step:
    return Step(name, level, aggregate="sum", of=of)


def _summed(text: str, answer: str = "", *, vector: bool = False) -> Law:
    """A message on each edge, summed at the receiver, then what the node makes of the sum F."""
    steps = (_formula("edge", "message", text, vector=vector), _sum("node", "F", "message"))
    return Law((*steps, _formula("node", "answer", answer)) if answer else steps)


_SPRING = (_formula("edge", "message", "k*(r - 1)", vector=True), _sum("node", "F", "message"))
_OHM = "dV/R"

TRUTHS: Mapping[str, Law] = {
    "springs": Law((*_SPRING, _formula("node", "answer", "F/m"))),
    "gravity": _summed("1.7*m_j/r^2", vector=True),
    "charges": _summed("-1.3*q_i*q_j/r^2", "F/m", vector=True),
    "heat": _summed("k*dT"),
    "circuit": Law((
        _formula("edge", "message", "0.5*dV^2/R"),
        _sum("graph", "answer", "message"),
    )),
    "current": Law((_formula("edge", "answer", _OHM),)),
    "balance": _summed(_OHM),
    "kuramoto": _summed("sin(dtheta)", "omega + 0.8*F"),
    "mechanics-complex": Law((
        *_SPRING,
        _sum("graph", "force", "f"),
        _sum("graph", "mass", "m"),
        _formula("node", "answer", "(F + f)/m - force/mass"),
    )),
    "thermology": Law((
        _formula("edge", "message", "alpha*dT/T_i"),
        _sum("graph", "answer", "message"),
    )),
    "thermology-complex": Law((
        _formula("edge", "message", "alpha*dT"),
        _sum("node", "F", "message"),
        _formula("node", "rate", "(F + Q)/T"),
        _sum("graph", "answer", "rate"),
    )),
    "sis": _summed("w*I_j", "0.8*(1 - I)*F - 0.4*I"),
    "hill": _summed("c_j^2/(1 + c_j^2)", "2*F - c"),
    "social-force": _summed("-3*exp(-r/0.5)", "(1.34*e - v)/0.5 + F", vector=True),
}  # fmt: skip
