//! What makes a page look like a certificate: the woven frame, the rosette, the ring of the electronic signature, the QR code.
//!
//! Nothing here imitates a stamp: the ring is in the product's colour and says that it stands for an electronic signature.

use super::fonts::{Face, Fonts};
use super::sheet::{Drawn, GREEN, Mark, PALE, TINT, WHITE, rectangle};
use super::text::{self, Style};
use super::PrintFault;
use fast_qr::{ECL, QRBuilder};
use krilla::geom::{Path, PathBuilder, Transform};
use std::f64::consts::{FRAC_PI_2, PI, TAU};

/// A quarter of a circle as one cubic curve.
const KAPPA: f32 = 0.552_284_8;
/// Half a wave of a sine as one cubic curve: how far the handles reach, as parts of the length and of the height.
const SINE_HANDLES: [f32; 2] = [0.364_2, 1.372];
/// Light modules around a QR code (ISO/IEC 18004, 9.1).
const QUIET_MODULES: f32 = 4.0;

/// Cosine and sine from additions and multiplications only, because those of the machine differ in their last digits.
pub(super) fn turn(angle: f64) -> [f32; 2] {
    let reduced = angle - TAU * (angle / TAU).round();
    [series(reduced + FRAC_PI_2), series(reduced)]
}

/// Taylor's series of the sine, good to 1e-9 for angles up to a turn.
fn series(angle: f64) -> f32 {
    // The series is short near zero, so the angle is mirrored into the first quarter.
    let within = if angle > PI { angle - TAU } else { angle };
    let mirrored = if within > FRAC_PI_2 { PI - within } else if within < -FRAC_PI_2 { -PI - within } else { within };
    let square = mirrored * mirrored;
    let mut term = mirrored;
    let mut sum = term;
    for step in 1..8 {
        let even = f64::from(2 * step);
        term *= -square / (even * (even + 1.0));
        sum += term;
    }
    sum as f32
}

pub(super) fn finished(path: PathBuilder) -> Path {
    path.finish().expect("an ornament has points")
}

/// Adds a circle to a path.
pub(super) fn circle(path: &mut PathBuilder, [x, y]: [f32; 2], radius: f32) {
    let handle = radius * KAPPA;
    path.move_to(x + radius, y);
    path.cubic_to(x + radius, y + handle, x + handle, y + radius, x, y + radius);
    path.cubic_to(x - handle, y + radius, x - radius, y + handle, x - radius, y);
    path.cubic_to(x - radius, y - handle, x - handle, y - radius, x, y - radius);
    path.cubic_to(x + handle, y - radius, x + radius, y - handle, x + radius, y);
    path.close();
}

pub(super) fn ring(middle: [f32; 2], radius: f32, drawn: Drawn) -> Mark {
    let mut path = PathBuilder::new();
    circle(&mut path, middle, radius);
    Mark::Path { path: finished(path), drawn, place: None }
}

/// Tenths of a point, the unit of the frame: whole numbers are short in the file.
const TENTHS: f32 = 10.0;

/// A band woven of two waves and their mirror images, from `from` along a line of this length.
///
/// The waves repeat, so a stretch of them is an object of its own, and the band that many of them: what is painted once is short in the
/// file, and its bounds are measured once.
fn band(from: [f32; 2], [right, down]: [f32; 2]) -> Mark {
    /// About half a wave, in points; as much as makes whole stretches.
    const HALF_WAVE: f32 = 16.0;
    /// Half waves of a stretch: an even number, so that the next one begins as this one did.
    const STRETCH: usize = 4;
    let length = right + down;
    let stretches = (length / HALF_WAVE / STRETCH as f32).round().max(1.0);
    let step = (length / stretches / STRETCH as f32 * TENTHS).round();
    let mut path = PathBuilder::new();
    for height in [4.6, 2.3] {
        let at = |along: f32, lift: f32| [(step * along).round(), (height * lift * TENTHS).round()];
        path.move_to(0.0, 0.0);
        for number in 0..STRETCH {
            let along = number as f32;
            let lift = if number % 2 == 0 { SINE_HANDLES[1] } else { -SINE_HANDLES[1] };
            let [first, second, end] = [at(along + SINE_HANDLES[0], lift), at(along + 1.0 - SINE_HANDLES[0], lift), at(along + 1.0, 0.0)];
            path.cubic_to(first[0], first[1], second[0], second[1], end[0], end[1]);
        }
    }
    let waves = Mark::Path { path: finished(path), drawn: Drawn::Stroked(TINT, 0.5 * TENTHS), place: None };
    // What rounding left is spread over the band.
    let grain = length / (stretches * STRETCH as f32 * step);
    let [cosine, sine] = [right / length, down / length];
    let places = [1.0, -1.0].into_iter().flat_map(|side| {
        let place = move |number: usize| {
            let along = number as f32 * STRETCH as f32 * step * grain;
            Transform::from_row(grain * cosine, grain * sine, -side / TENTHS * sine, side / TENTHS * cosine, from[0] + along * cosine, from[1] + along * sine)
        };
        (0..stretches as usize).map(place)
    });
    Mark::Repeated { marks: vec![waves], places: places.collect() }
}

/// The frame of a page: a strong rule, a woven band, a fine rule, a lozenge in every corner.
pub(super) fn frame([width, height]: [f32; 2]) -> Vec<Mark> {
    const OUTER: f32 = 20.0;
    const BAND: f32 = 14.0;
    let inner = OUTER + BAND;
    let middle = OUTER + BAND / 2.0;
    let mut marks = vec![
        rectangle([OUTER, OUTER], [width - 2.0 * OUTER, height - 2.0 * OUTER], Drawn::Stroked(GREEN, 1.4)),
        rectangle([inner, inner], [width - 2.0 * inner, height - 2.0 * inner], Drawn::Stroked(GREEN, 0.5)),
        rectangle([inner + 3.0, inner + 3.0], [width - 2.0 * inner - 6.0, height - 2.0 * inner - 6.0], Drawn::Stroked(TINT, 0.4)),
    ];
    let [left, right, top, bottom] = [inner, width - inner, inner, height - inner];
    marks.extend([middle, height - middle].map(|y| band([left, y], [right - left, 0.0])));
    marks.extend([middle, width - middle].map(|x| band([x, top], [0.0, bottom - top])));
    for corner in [[OUTER, OUTER], [width - inner, OUTER], [OUTER, height - inner], [width - inner, height - inner]] {
        marks.push(rectangle(corner, [BAND, BAND], Drawn::Filled(GREEN)));
        let [x, y] = [corner[0] + BAND / 2.0, corner[1] + BAND / 2.0];
        marks.push(lozenge([x, y], 4.4, Drawn::Stroked(WHITE, 0.6)));
        marks.push(lozenge([x, y], 2.0, Drawn::Filled(WHITE)));
    }
    marks
}

pub(super) fn lozenge([x, y]: [f32; 2], radius: f32, drawn: Drawn) -> Mark {
    let mut path = PathBuilder::new();
    path.move_to(x, y - radius);
    path.line_to(x + radius, y);
    path.line_to(x, y + radius);
    path.line_to(x - radius, y);
    path.close();
    Mark::Path { path: finished(path), drawn, place: None }
}

/// A pale rosette behind the text: ellipses, each turned a little further.
pub(super) fn rosette(middle: [f32; 2], radius: f32) -> Mark {
    const PETALS: usize = 30;
    /// Small axis of an ellipse as a part of the large one.
    const FLATNESS: f32 = 0.42;
    let mut unit = PathBuilder::new();
    circle(&mut unit, [0.0, 0.0], 100.0);
    let place = |number: usize| {
        let [cosine, sine] = turn(PI * number as f64 / PETALS as f64);
        let scale = radius / 100.0;
        Transform::from_row(cosine * scale, sine * scale, -sine * scale * FLATNESS, cosine * scale * FLATNESS, middle[0], middle[1])
    };
    Mark::Repeated { marks: vec![Mark::Path { path: finished(unit), drawn: Drawn::Stroked(PALE, 0.9), place: None }], places: (0..PETALS).map(place).collect() }
}

/// The ring that stands for the electronic signature, with the body's name around it when that can be read at this size.
///
/// # Errors
/// A character of the name is in no font.
pub(super) fn signature_ring(fonts: &Fonts, [x, y]: [f32; 2], radius: f32, name: &str) -> Result<Vec<Mark>, PrintFault> {
    /// Part of the circle that the name takes, and the sizes it may have.
    const ARC: f32 = 0.74;
    const LETTERS: [f32; 2] = [4.4, 9.5];
    /// A name that would be too small is replaced by beads.
    const BEADS: usize = 36;
    let mut marks = vec![
        ring([x, y], radius, Drawn::Filled(WHITE)),
        ring([x, y], radius, Drawn::Stroked(GREEN, 1.3)),
        ring([x, y], radius - 3.0, Drawn::Stroked(GREEN, 0.4)),
        ring([x, y], radius * 0.66, Drawn::Stroked(GREEN, 0.4)),
    ];
    let placed = text::set(fonts, Face::Title, name)?;
    let width = text::width(&placed, 0.0);
    // Letters stand on a circle inside the ring, their feet towards the middle.
    let foot = radius * 0.715;
    let size = (foot * ARC * TAU as f32 / (width * 1.12)).min(LETTERS[1]);
    if size >= LETTERS[0] {
        let tracking = ((foot * ARC * TAU as f32 / size - width) / placed.len().max(1) as f32).min(0.5);
        let length = text::width(&placed, tracking) * size;
        let mut along = -length / 2.0;
        for letter in placed {
            let angle = f64::from((along + letter.advance * size / 2.0) / foot);
            let [cosine, sine] = turn(angle);
            let [shift_x, shift_y] = [-letter.advance * size / 2.0, -foot];
            let place = Transform::from_row(cosine, sine, -sine, cosine, x + cosine * shift_x - sine * shift_y, y + sine * shift_x + cosine * shift_y);
            marks.push(Mark::Turned { placed: letter, style: Style::fixed(Face::Title, size, GREEN), place });
            along += (letter.advance + tracking) * size;
        }
    }
    if size < LETTERS[0] {
        for number in 1..BEADS {
            let [cosine, sine] = turn(TAU * (0.25 + number as f64 / BEADS as f64));
            marks.push(ring([x + cosine * radius * 0.8, y + sine * radius * 0.8], radius * 0.022, Drawn::Filled(GREEN)));
        }
    }
    marks.push(lozenge([x, y + radius * 0.8], radius * 0.075, Drawn::Filled(GREEN)));
    for (content, face, size, at) in [("电子签名", Face::Title, radius * 0.25, y + radius * 0.08), ("ELECTRONIC SIGNATURE", Face::Form, radius * 0.086, y + radius * 0.26)] {
        let line = text::set(fonts, face, content)?;
        let left = x - text::width(&line, 0.0) * size / 2.0;
        marks.push(Mark::Line { baseline: [left, at], line, style: Style::fixed(face, size, GREEN) });
    }
    Ok(marks)
}

/// A QR code of error correction level M; the light margin lies inside the square.
///
/// # Errors
/// The address is too long for any code.
pub(super) fn qr(address: &str, [left, top]: [f32; 2], side: f32, color: [u8; 3]) -> Result<Vec<Mark>, PrintFault> {
    let code = QRBuilder::new(address).ecl(ECL::M).build().map_err(|_| PrintFault::AddressTooLong(address.len()))?;
    let mut path = PathBuilder::new();
    for row in 0..code.size {
        let mut column = 0;
        for run in code[row].chunk_by(|before, after| before.value() == after.value()) {
            // A line as thick as a module: half the bytes of a rectangle.
            if run[0].value() {
                path.move_to(column as f32, row as f32 + 0.5);
                path.line_to((column + run.len()) as f32, row as f32 + 0.5);
            }
            column += run.len();
        }
    }
    let step = side / (code.size as f32 + 2.0 * QUIET_MODULES);
    let place = Transform::from_row(step, 0.0, 0.0, step, left + QUIET_MODULES * step, top + QUIET_MODULES * step);
    Ok(vec![rectangle([left, top], [side, side], Drawn::Filled(WHITE)), Mark::Path { path: finished(path), drawn: Drawn::Stroked(color, 1.0), place: Some(place) }])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn angles_are_turned_as_the_machine_turns_them() {
        for step in -40..=40 {
            let angle = f64::from(step) * 0.173;
            let [cosine, sine] = turn(angle);
            assert!((f64::from(cosine) - angle.cos()).abs() < 1e-6 && (f64::from(sine) - angle.sin()).abs() < 1e-6, "{angle}");
        }
    }

    #[test]
    fn an_address_that_no_code_holds_is_told() {
        assert_eq!(qr(&"x".repeat(3000), [0.0; 2], 100.0, GREEN).err(), Some(PrintFault::AddressTooLong(3000)));
    }
}
