"""Why a fit is not valid: the one table of flags, with their sentences and what they mean.

Programs read the code of a flag (`Fit.flags`), people its sentence (`Fit.reason`), which may hold numbers. Every reason
of every fit, and of a clock offset, is made by `reason_for` from this table; the table in docs/analyses.md is
`table_of_flags`, so that neither can differ from what the fits say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from .flag import Flag, Reason

__all__ = ["FLAGS", "Flag", "Reason", "reason_for", "table_of_flags"]

NUMBER = re.compile(r"\{(\w+)[^}]*\}")

_BURSTS, _IMAGES, _LIFETIMES, _CLOCKS = ("bursts",), ("images",), ("lifetimes",), ("clock offsets",)
_DIFFERENCES = ("differences",)

FLAGS: tuple[Flag, ...] = (
    Flag(
        "not_converged",
        (*_BURSTS, *_IMAGES, *_LIFETIMES),
        "the fit did not converge",
        "neither Newton's steps nor scipy reached a minimum of the likelihood",
    ),
    Flag(
        "too_few_to_fit",
        _BURSTS,
        "too few pulses: {pulses} in the window",
        "the window holds fewer than 15 pulses, background included; nothing is fitted",
    ),
    Flag(
        "too_few_pulses",
        _BURSTS,
        "too few pulses: {pulses:.0f} above background, {needed:.0f} are needed",
        "with fewer, the error of the half-life exceeds a quarter of it even without background",
    ),
    Flag(
        "not_significant",
        _BURSTS,
        "the burst does not stand out: {pulses} ± {error} pulses above background",
        "the number of pulses above background is less than three of its errors",
    ),
    Flag(
        "cut_at_begin",
        _BURSTS,
        "the burst is cut: the data begin {before_s:.1f} s before its maximum",
        "the data begin less than three rise times before the maximum",
    ),
    Flag(
        "cut_at_end",
        _BURSTS,
        "the burst is cut: the data end {decay_times:.1f} decay times after the maximum",
        "the data end less than three decay times after the maximum; a later cycle may have the rest",
    ),
    Flag(
        "decay_beyond_window",
        _BURSTS,
        "no decay visible: the window ends {decay_times:.1f} decay times after the maximum",
        "the window ends less than three decay times after the maximum: fit a longer one (`window_ns`)",
    ),
    Flag(
        "decay_time_unknown",
        _BURSTS,
        "the window cannot tell the decay time",
        "the error of the decay time exceeds half of it, or the decay time is at a limit of the fit",
    ),
    Flag(
        "not_a_burst",
        _BURSTS,
        "the model does not describe the window (p = {p_value:.1g})",
        "the deviance of the best model has a probability below 1e-4",
    ),
    Flag(
        "second_component",
        _BURSTS,
        "the decay has a second, slower part ({z:.1f} sigma)",
        "one exponential does not describe the decay: two isotopes, or atoms that leave in two ways",
    ),
    Flag(
        "further_burst",
        _BURSTS,
        "a further burst may overlap, {after_s:+.1f} s from t0 ({z:.1f} sigma)",
        "pulses that one burst leaves over are those of another one, too few to be fitted with it",
    ),
    Flag(
        "too_close",
        _BURSTS,
        "another burst begins {decay_times:.1f} decay times after one: their numbers cannot be told apart",
        "two bursts within 2 decay times of the first: their half-lives and numbers pull each other",
    ),
    Flag(
        "background_slope",
        _BURSTS,
        "the background changes too fast for a straight line ({per_minute:+.0%} a minute)",
        "its slope would move a parameter by 30 % and more; a slope that moves less is fitted",
    ),
    Flag(
        "train",
        _BURSTS,
        "a train of pulses: they come at {frequency_Hz:.1f} Hz ({power:.0f} times the power of chance)",
        "pulses have a frequency, as microphonics do: look at the mains, pumps and cables",
    ),
    Flag(
        "afterpulses",
        _BURSTS,
        "pulses follow each other too closely: {short} gaps where the fitted rate makes {expected:.0f}",
        "the gaps between pulses, in units of the fitted rate, are not those of chance: afterpulses, ringing, noise",
    ),
    Flag(
        "regular",
        _BURSTS,
        "pulses are more regular than chance makes them (by {distance:.2f} of their gaps)",
        "fewer short gaps than the fitted rate makes: dead time, pulses that are sent on a grid, or lost ones",
    ),
    Flag(
        "cascade",
        _BURSTS,
        "the pulses come at once: they decay within {decay_s:.3f} s",
        "the decay time is below 0.1 s: the search is not for such cascades, and atoms are not so fast",
    ),
    Flag(
        "dead_time",
        _BURSTS,
        "no two pulses are closer than {shortest_us:.2g} us, where {missing:.0f} would be: give the dead time",
        "dead time that neither the header nor `dead_time_s` declares hides more than 0.3 errors of the pulses",
    ),
    Flag(
        "step",
        _BURSTS,
        "a step of the rate, {length_s:.1f} s long, describes the window better (by {gain:.1f} in log-likelihood)",
        "the rate jumps, stays and jumps back, as a beam does that is switched on and off",
    ),
    Flag(
        "all_zero",
        _IMAGES,
        "no atoms: every pixel is zero",
        "the image is dark: nothing is fitted",
    ),
    Flag(
        "no_light",
        _IMAGES,
        "no atoms: no light above the read noise",
        "the sum of the counts is not above zero: nothing is fitted",
    ),
    Flag(
        "no_atoms",
        _IMAGES,
        "no atoms: nothing stands out of the background",
        "noise alone has a spot as significant somewhere in more than one of 1000 images; see `upper_limit`",
    ),
    Flag(
        "hot_pixel",
        _IMAGES,
        "the spot is smaller than a pixel: a hot pixel",
        "the smaller width is below 0.7 pixels; give a mask (`find_bad_pixels`)",
    ),
    Flag(
        "not_a_gaussian",
        _IMAGES,
        "a Gaussian does not describe this image: it misses by {misfit:.1f} times the noise (stray light?)",
        "neighbouring residuals share more than half of their variance, and no spot stands far above the light "
        "elsewhere: stray light without a reference",
    ),
    Flag(
        "uneven_background",
        _IMAGES,
        "atoms, but the background is not flat around the spot: give roi, reference or background={background!r}",
        "the residuals around the spot have a slope, a bend or another structure that the background of the model has "
        "not, and the numbers of the spot depend on it",
    ),
    Flag(
        "shape_departs",
        _IMAGES,
        "atoms, but a Gaussian does not describe this image: the shape departs by {percent:.0f} % of its peak",
        "a spot is seen, and its shape departs by more than 20 % of the peak, or adds more than 15 % to the error of a "
        "width, or 25 % to that of A: `moments` has its light, centroid and widths",
    ),
    Flag(
        "cut_by_edge",
        _IMAGES,
        "the spot is cut by the edge: its centre is within a width of it, and its shape is no Gaussian",
        "half of a spot tells the place and the light of the other half by its shape alone; a true Gaussian is fitted",
    ),
    Flag(
        "saturated",
        _IMAGES,
        "atoms, but saturated: {pixels} pixels have {limit:g} counts, and what is left does not tell the peak",
        "the peak is more than three times the largest value of the camera, or hardly a pixel of the spot is below it",
    ),
    Flag(
        "two_spots",
        _IMAGES,
        "atoms, but a Gaussian does not describe this image: another spot, {percent:.0f} % as high, stands near x = "
        "{x:.0f}, y = {y:.0f}",
        "another spot stands as clearly above the light elsewhere, or two spots describe a place better than one: "
        "give a roi around one of them, or use `fit_spots`",
    ),
    Flag(
        "uneven_light",
        _IMAGES,
        "no atoms: the light is uneven over the whole image, by {percent:.0f} %",
        "a width exceeds a fifth of a side of the image, and the peak is below half of the background",
    ),
    Flag(
        "larger_than_image",
        _IMAGES,
        "the spot is larger than the image: stray light",
        "a width exceeds half of a side of the image",
    ),
    Flag(
        "no_covariance",
        _IMAGES,
        "the covariance cannot be computed",
        "the information matrix is not positive definite",
    ),
    Flag(
        "centre_outside",
        _IMAGES,
        "the centre lies outside of the image",
        "the spot is seen, but cut off by the edge of what is fitted",
    ),
    Flag(
        "widths_unknown",
        _IMAGES,
        "atoms, but too faint a spot: its errors do not tell how far its widths may be off",
        "an error of a width exceeds 15 % of it, or the likelihood is no parabola as far as its errors reach",
    ),
    Flag(
        "other_place",
        _IMAGES,
        "there are atoms, but not at the given spot",
        "a spot was found farther from the given one than its width, or of half or twice its width",
    ),
    Flag(
        "no_decay",
        _LIFETIMES,
        "no decay: the numbers do not change by more than their errors",
        "N0 is less than three of its errors from zero, or has no error",
    ),
    Flag(
        "series_too_short",
        _LIFETIMES,
        "the series is too short for this lifetime",
        "the lifetime exceeds twice the length of the series",
    ),
    Flag(
        "lifetime_unknown",
        _LIFETIMES,
        "the lifetime is known to no better than a half",
        "the error of the lifetime exceeds half of it",
    ),
    Flag(
        "one_number",
        _LIFETIMES,
        "the lifetime hangs on one number",
        "without one of the numbers the error of the lifetime exceeds the lifetime: were it wrong, nobody would see",
    ),
    Flag(
        "not_an_exponential",
        _LIFETIMES,
        "an exponential does not describe these numbers",
        "chi-square has a probability below 1e-4",
    ),
    Flag(
        "second_lifetime",
        _LIFETIMES,
        "one lifetime does not describe these numbers: there is a second one, or a drift beside it",
        "the residuals have a second lifetime or a slope that chance makes in fewer than one of 100 series",
    ),
    Flag(
        "one_state",
        _DIFFERENCES,
        "no difference: the coil was never {state}",
        "all readings have one state of the coil",
    ),
    Flag(
        "few_readings",
        _DIFFERENCES,
        "no difference: {count} readings with the coil {state}, {needed} are needed",
        "one state has fewer readings",
    ),
    Flag(
        "no_switch",
        _DIFFERENCES,
        "no difference: the coil was switched only while nothing was recorded",
        "between on and off there are only pauses, in which anything may have drifted",
    ),
    Flag(
        "no_noise",
        _DIFFERENCES,
        "no error of the difference: the readings do not change",
        "all means within the blocks are the same: an instrument that stands still",
    ),
    Flag(
        "difference_changes",
        _DIFFERENCES,
        "the difference is not the same at all switches",
        "differences between neighbouring blocks scatter more than the readings within blocks tell (p below 1e-3)",
    ),
    Flag(
        "current_jumps",
        _DIFFERENCES,
        "the current jumps where the coil was not switched",
        "a step elsewhere is much likelier than none (p below 1e-3): it may have come with a switch, too",
    ),
    Flag(
        "few_events",
        _CLOCKS,
        "too few events: {needed} of each source are needed",
        "one of the two sources has fewer events",
    ),
    Flag(
        "no_agreement",
        _CLOCKS,
        "fewer than {needed} events match at any offset up to {longest_s:g} s",
        "no offset up to `longest`, of either sign, makes enough events match",
    ),
    Flag(
        "chance_match",
        _CLOCKS,
        "as many events would match by chance",
        "with the intervals between the events shuffled, as many match in more than one of 100 cases",
    ),
    Flag(
        "rival_offset",
        _CLOCKS,
        "the offset is ambiguous: another one has {rival} matching pairs, this one {pairs}",
        "another offset has more than three quarters as many matching pairs",
    ),
    Flag(
        "clock_rate",
        _CLOCKS,
        "one clock gains on the other: the offset changes by {rate:.1e} s a second, {change_s:.1f} s over these events",
        "with a rate much more events match, or the differences have a slope of more than 3.5 errors; take pieces so "
        "short that the offset does not change",
    ),
)
"""In the order in which they are asked of a fit."""
_BY_CODE = {flag.code: flag for flag in FLAGS}


def reason_for(code: str, **numbers: Any) -> Reason:
    """The reason of a flag.

    Parameters
    ----------
    code : str
        Of one of `FLAGS`.
    **numbers
        Those that its sentence names.

    Raises
    ------
    KeyError
        When there is no such flag, or a number of its sentence is not given.

    Examples
    --------
    >>> reason = reason_for("cut_at_begin", before_s=0.25)
    >>> print(reason)
    the burst is cut: the data begin 0.2 s before its maximum
    >>> reason.code
    'cut_at_begin'
    """
    return _BY_CODE[code].reason(**numbers)


def table_of_flags(flags: Iterable[Flag] = FLAGS) -> str:
    """The flags as a table of Markdown, as it stands in docs/analyses.md."""
    rows = []
    for flag in flags:
        sentence = NUMBER.sub(r"*\1*", flag.sentence)
        rows.append(f"| `{flag.code}` | {', '.join(flag.of)} | {sentence} | {flag.meaning} |")
    return "\n".join(["| Flag | Of | Sentence | When |", "|---|---|---|---|", *rows])
