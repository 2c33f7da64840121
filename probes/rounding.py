"""How numbers are shown, everywhere: on pages, in the terminal, in figures.

The text of a number depends on the number alone, so it is the same wherever it stands. Rounding keeps the order of
numbers, so an estimate is never shown outside its interval. Nothing is rounded to 0 or to 1 that is not: what is too
small or too near is shown as below or above the last step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import Any

__all__ = ["Scale", "alone", "between", "counted", "given", "in_unit", "percent", "rounded", "score", "signed"]

#: significant digits of a number, and the most decimals
_DIGITS, _DECIMALS = 3, 4
#: how near to a whole number counts as one: sums of floats differ by as much
_NEAR = 1e-9
#: sizes of the largest number between which none needs a unit of its own
_SMALL, _LARGE = 1e-3, 1e9
_SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")


def rounded(value: float, missing: str = "") -> str:
    """Write a number in some unit: three significant digits, at most four decimals; shorter where that is exact.

    Parameters
    ----------
    value : float
    missing : str, default ""
        What stands for a number that is not finite.

    Examples
    --------
    >>> [rounded(v) for v in (-0.45678, 1234.56, 2.0, 0.5, 0.0101, 0.00456789, 0.0, -0.00001)]
    ['−0.457', '1,235', '2', '0.5', '0.0101', '0.0046', '0', '−<0.0001']
    """
    if not isfinite(value):
        return missing
    value = value or 0.0  # a zero has no sign
    size = abs(value)
    if size >= 1e15:  # beyond what a float counts one by one
        return alone(value)
    if 0 < size < 0.5 * 10**-_DECIMALS:
        return ("−" if value < 0 else "") + f"<{10**-_DECIMALS:.{_DECIMALS}f}"
    if 0.995 <= value < 1 - _NEAR:
        return score(value)
    leading = int(f"{size:.{_DIGITS - 1}e}".partition("e")[2])  # after rounding, which may add a digit
    for decimals in range(kept := min(max(_DIGITS - 1 - leading, 0), _DECIMALS)):
        if abs(value - round(value, decimals)) <= _NEAR * size:
            kept = decimals
            break
    return _minus(f"{value:,.{kept}f}")


def alone(value: float) -> str:
    """Write a number that stands alone in a sentence: tiny and huge ones as multiples of a power of ten.

    Examples
    --------
    >>> alone(0.25), alone(7.07e-5), alone(-1e16), alone(float("nan"))
    ('0.25', '7.07×10⁻⁵', '−1×10¹⁶', '')
    """
    scale = Scale.of([value])
    return f"{scale.rounded(value)}×{scale.unit('').strip()}" if scale.power else rounded(value)


def counted(count: int, noun: str) -> str:
    """Write how many there are of something.

    Examples
    --------
    >>> counted(1, "call"), counted(2014, "token")
    ('1 call', '2,014 tokens')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def in_unit(number: str, unit: str) -> str:
    """Write a number with its unit, if that says more than that it is a number.

    Examples
    --------
    >>> in_unit("0.5", "nats"), in_unit("0.5", "output")
    ('0.5 nats', '0.5')
    """
    return number if unit in ("output", "target") else f"{number} {unit}"


def signed(value: float, missing: str = "") -> str:
    """Write a number with its sign.

    Examples
    --------
    >>> signed(0.4567), signed(-2.0), signed(0.0), signed(0.00001)
    ('+0.457', '−2', '0', '+<0.0001')
    """
    text = rounded(value, missing)
    return f"+{text}" if isfinite(value) and value > 0 else text


def score(value: float, missing: str = "not defined") -> str:
    """Write R², an agreement or another score of which 1 is the best: two decimals, more where they would show 1.

    Examples
    --------
    >>> [score(v) for v in (0.954, 0.9954, 0.99999, 1.0, -0.004, -0.456, float("nan"))]
    ['0.95', '0.995', '>0.9999', '1.00', '0.00', '−0.46', 'not defined']
    """
    if not isfinite(value):
        return missing
    if 0.995 <= value < 1 - _NEAR:
        for decimals in (3, 4):
            if (text := f"{value:.{decimals}f}") < "1":
                return text
        return ">0.9999"
    text = f"{value:.2f}"
    return _minus("0.00" if text == "-0.00" else text)


def percent(value: float, missing: str = "") -> str:
    """Write a share in percent: one decimal, whole percents as they are, never 0% or 100% where it is not.

    Examples
    --------
    >>> [percent(v) for v in (0.95, 0.1234, 0.9999, 0.0001, 1.0, 0.0)]
    ['95%', '12.3%', '>99.9%', '<0.1%', '100%', '0%']
    """
    if not isfinite(value):
        return missing
    hundredths = 100 * value
    if 0 < hundredths < 0.05:
        return "<0.1%"
    if abs(hundredths - round(hundredths)) <= 100 * _NEAR:
        return _minus(f"{round(hundredths):,}%")
    return ">99.9%" if 99.95 <= hundredths < 100 else _minus(f"{hundredths:,.1f}%")


def between(low: float, high: float, shown: Callable[[float], str] = rounded) -> str:
    """Write an interval; empty if an end is not finite.

    Examples
    --------
    >>> between(-0.12345, 2), between(0.9948, 0.9961, score), between(float("nan"), 1)
    ('[−0.123, 2]', '[0.99, 0.996]', '')
    """
    return f"[{shown(low)}, {shown(high)}]" if isfinite(low) and isfinite(high) else ""


def given(value: float) -> str:
    """Write a number of the user's data, or a bound that data are compared with: six significant digits.

    Examples
    --------
    >>> given(884.55), given(-2.0), given(0.1 + 0.2)
    ('884.55', '−2', '0.3')
    """
    return _minus(f"{value:.6g}")


@dataclass(frozen=True)
class Scale:
    """The unit in which numbers that belong together are shown: a power of ten, 1 for all of a usual size.

    Attributes
    ----------
    power : int
        Numbers are shown as multiples of ten to this power.
    """

    power: int = 0

    @classmethod
    def of(cls, values: Iterable[float]) -> Scale:
        """Choose the scale by the largest of the numbers.

        Examples
        --------
        >>> Scale.of([4.2e-5, -3e-6]), Scale.of([0.02, 1e-7]), Scale.of([])
        (Scale(power=-5), Scale(power=0), Scale(power=0))
        """
        largest = max((abs(v) for v in values if isfinite(v)), default=0.0)
        return cls() if not largest or _SMALL <= largest < _LARGE else cls(floor(log10(largest)))

    def rounded(self, value: float, missing: str = "") -> str:
        """Write a number on this scale.

        Examples
        --------
        >>> Scale(-5).rounded(4.2e-5), Scale(-5).signed(-3e-6), Scale(-5).between(1e-6, 2e-5)
        ('4.2', '−0.3', '[0.1, 2]')
        """
        return rounded(float(self.divided(value)), missing)

    def signed(self, value: float, missing: str = "") -> str:
        """Write a number on this scale with its sign."""
        return signed(float(self.divided(value)), missing)

    def between(self, low: float, high: float) -> str:
        """Write an interval on this scale; empty if an end is not finite."""
        return between(low, high, self.rounded)

    def divided(self, value: Any) -> Any:
        """Return a number or an array as multiples of the scale."""
        half = self.power // 2  # the whole power may be more than a float holds
        return value * 10.0**-half * 10.0 ** (half - self.power) if self.power else value

    def unit(self, unit: str) -> str:
        """Name the unit of the numbers that are shown.

        Examples
        --------
        >>> Scale(-5).unit("nats"), Scale().unit("nats")
        ('10⁻⁵ nats', 'nats')
        """
        return f"10{str(self.power).translate(_SUPERSCRIPT)} {unit}" if self.power else unit


def _minus(text: str) -> str:
    return text.replace("-", "−")
