//! Outcomes as shapes: whoever sees no colours tells them apart by form and by the words beside them.

use super::ornament::{circle, finished, ring};
use super::sheet::{Drawn, GREEN, GREY, INK, Mark};
use krilla::geom::{PathBuilder, Transform};

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// A tick in a circle.
    Passed,
    /// A cross in a square.
    Failed,
    /// Two bars in a circle.
    Suspended,
    /// An hourglass.
    Expired,
    /// An arrow to the right: something newer stands for it.
    Replaced,
    /// A question mark in a lozenge.
    Unknown,
    /// A dash: nobody looked.
    Skipped,
}

impl Sign {
    /// In Chinese and English.
    #[must_use]
    pub const fn words(self) -> [&'static str; 2] {
        match self {
            Self::Passed => ["通过", "passed"],
            Self::Failed => ["未通过", "failed"],
            Self::Suspended => ["暂停", "suspended"],
            Self::Expired => ["已过期", "expired"],
            Self::Replaced => ["已替换", "replaced"],
            Self::Unknown => ["无法判断", "cannot tell"],
            Self::Skipped => ["未检查", "not checked"],
        }
    }

    pub(super) const fn color(self) -> [u8; 3] {
        match self {
            Self::Passed | Self::Replaced => GREEN,
            Self::Failed => INK,
            Self::Suspended | Self::Expired | Self::Unknown | Self::Skipped => GREY,
        }
    }

    /// The shape in a square of this side.
    pub(super) fn draw(self, [left, top]: [f32; 2], side: f32) -> Vec<Mark> {
        // Drawn in a square of 100 and scaled: strokes grow with it.
        let place = Some(Transform::from_row(side / 100.0, 0.0, 0.0, side / 100.0, left, top));
        let drawn = Drawn::Stroked(self.color(), 9.0);
        let mut path = PathBuilder::new();
        let mut polygon = |points: &[[f32; 2]], closed: bool| {
            for (number, [x, y]) in points.iter().enumerate() {
                if number == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
            }
            if closed {
                path.close();
            }
        };
        match self {
            Self::Passed => polygon(&[[28.0, 52.0], [44.0, 68.0], [73.0, 34.0]], false),
            Self::Failed => {
                polygon(&[[8.0, 8.0], [92.0, 8.0], [92.0, 92.0], [8.0, 92.0]], true);
                polygon(&[[31.0, 31.0], [69.0, 69.0]], false);
                polygon(&[[69.0, 31.0], [31.0, 69.0]], false);
            }
            Self::Suspended => {
                polygon(&[[39.0, 31.0], [39.0, 69.0]], false);
                polygon(&[[61.0, 31.0], [61.0, 69.0]], false);
            }
            Self::Expired => {
                polygon(&[[18.0, 8.0], [82.0, 8.0]], false);
                polygon(&[[18.0, 92.0], [82.0, 92.0]], false);
                polygon(&[[28.0, 10.0], [28.0, 24.0], [72.0, 76.0], [72.0, 90.0]], false);
                polygon(&[[72.0, 10.0], [72.0, 24.0], [28.0, 76.0], [28.0, 90.0]], false);
            }
            Self::Replaced => {
                polygon(&[[26.0, 50.0], [72.0, 50.0]], false);
                polygon(&[[54.0, 32.0], [73.0, 50.0], [54.0, 68.0]], false);
            }
            Self::Unknown => polygon(&[[50.0, 3.0], [97.0, 50.0], [50.0, 97.0], [3.0, 50.0]], true),
            Self::Skipped => polygon(&[[24.0, 50.0], [76.0, 50.0]], false),
        }
        if matches!(self, Self::Passed | Self::Suspended | Self::Replaced) {
            circle(&mut path, [50.0, 50.0], 44.0);
        }
        if self == Self::Unknown {
            path.move_to(37.0, 42.0);
            path.cubic_to(37.0, 24.0, 63.0, 24.0, 63.0, 41.0);
            path.cubic_to(63.0, 52.0, 50.0, 50.0, 50.0, 63.0);
        }
        let mut marks = vec![Mark::Path { path: finished(path), drawn, place }];
        if self == Self::Unknown {
            marks.push(ring([left + side * 0.5, top + side * 0.74], side * 0.05, Drawn::Filled(self.color())));
        }
        marks
    }
}
