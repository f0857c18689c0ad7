//! A stamp across a paper whose certificate does not count any more: nobody who is handed a print may take it for one in force.

use super::PrintFault;
use super::fonts::{Face, Fonts};
use super::ornament::turn;
use super::sheet::{Drawn, Mark, RED};
use super::text::{self, Style};
use krilla::geom::{PathBuilder, Transform};

/// A little upwards, as a hand sets it.
const ANGLE: f64 = -0.21;

/// What a stamp says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    pub zh: String,
    pub en: String,
}

/// The stamp around this point: what it says in Chinese, with its frame, and in English.
pub(super) fn stamp(fonts: &Fonts, [x, y]: [f32; 2], said: &Stamp) -> Result<[Vec<Mark>; 2], PrintFault> {
    const SIZES: [f32; 2] = [58.0, 17.0];
    const MARGIN: f32 = 26.0;
    const HALF_HEIGHT: f32 = 58.0;
    let [cosine, sine] = turn(ANGLE);
    // From the stamp's own plane, whose middle is the point, to the page.
    let place = |along: f32, down: f32| Transform::from_row(cosine, sine, -sine, cosine, x + cosine * along - sine * down, y + sine * along + cosine * down);
    let (mut lines, mut half_width) = ([Vec::new(), Vec::new()], 0.0_f32);
    for (marks, (content, size, tracking, down)) in lines.iter_mut().zip([(&said.zh, SIZES[0], 0.12, 12.0), (&said.en, SIZES[1], 0.16, 42.0)]) {
        let placed = text::set(fonts, Face::Title, content)?;
        let width = text::width(&placed, tracking) * size;
        half_width = half_width.max(width / 2.0 + MARGIN);
        let mut along = -width / 2.0;
        for letter in placed {
            let advance = (letter.advance + tracking) * size;
            marks.push(Mark::Turned { placed: letter, style: Style::fixed(Face::Title, size, RED), place: place(along, down) });
            along += advance;
        }
    }
    for (inset, line) in [(0.0, 3.2), (6.0, 0.9)] {
        let [right, bottom] = [half_width - inset, HALF_HEIGHT - inset];
        let mut path = PathBuilder::new();
        path.move_to(-right, -bottom);
        path.line_to(right, -bottom);
        path.line_to(right, bottom);
        path.line_to(-right, bottom);
        path.close();
        let path = path.finish().expect("a rectangle is a path");
        lines[0].push(Mark::Path { path, drawn: Drawn::Stroked(RED, line), place: Some(place(0.0, 0.0)) });
    }
    Ok(lines)
}
