//! Outcomes as shapes: whoever sees no colours tells them apart by form and by the words beside them.

use super::ornament::{circle, finished, ring};
use super::sheet::{AMBER, AMBER_TINT, Drawn, GREEN, GREY, GREY_TINT, Mark, PALE, RED, RED_TINT};
use krilla::geom::{PathBuilder, Transform};

/// How something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// A tick in a circle.
    Passed,
    /// A cross in a square.
    Failed,
    /// A cross in an octagon.
    Revoked,
    /// An arrow that turns back.
    Withdrawn,
    /// A circle that is struck through.
    Cancelled,
    /// A triangle with a mark of exclamation.
    Forged,
    /// A house with columns that is struck through.
    NoRight,
    /// A key that is struck through.
    StolenKey,
    /// Two bars in a circle.
    Suspended,
    /// An hourglass.
    Expired,
    /// A calendar with a mark of exclamation.
    ReviewOverdue,
    /// An arrow to the right: something newer stands for it.
    Replaced,
    /// A cross in a sheet of paper.
    NoDocument,
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
            Self::Revoked => ["撤销", "revoked"],
            Self::Withdrawn => ["撤回", "withdrawn"],
            Self::Cancelled => ["注销", "cancelled"],
            Self::Forged => ["勿采信", "not to be trusted"],
            Self::NoRight => ["无发证资格", "no right to issue"],
            Self::StolenKey => ["密钥被盗用", "stolen key"],
            Self::ReviewOverdue => ["逾期未复审", "review overdue"],
            Self::NoDocument => ["没有证书", "no certificate"],
            Self::Suspended => ["暂停", "suspended"],
            Self::Expired => ["已过期", "expired"],
            Self::Replaced => ["已替换", "replaced"],
            Self::Unknown => ["无法判断", "cannot tell"],
            Self::Skipped => ["未检查", "not checked"],
        }
    }

    /// The colour of the shape, and of the ground behind it.
    pub(super) const fn colors(self) -> [[u8; 3]; 2] {
        match self {
            Self::Passed => [GREEN, PALE],
            Self::Failed | Self::Revoked | Self::Withdrawn | Self::Cancelled | Self::Forged | Self::NoRight | Self::StolenKey => [RED, RED_TINT],
            Self::Suspended | Self::Expired | Self::ReviewOverdue | Self::Replaced => [AMBER, AMBER_TINT],
            Self::NoDocument | Self::Unknown | Self::Skipped => [GREY, GREY_TINT],
        }
    }

    pub(super) const fn color(self) -> [u8; 3] {
        self.colors()[0]
    }

    /// The shape in a square of this side.
    pub(super) fn draw(self, [left, top]: [f32; 2], side: f32) -> Vec<Mark> {
        // Drawn in a square of 100 and scaled: strokes grow with it.
        let place = Some(Transform::from_row(side / 100.0, 0.0, 0.0, side / 100.0, left, top));
        let drawn = Drawn::Stroked(self.color(), 9.0);
        let mut path = PathBuilder::new();
        self.outline(&mut path);
        let mut marks = vec![Mark::Path { path: finished(path), drawn, place }];
        if self == Self::Unknown {
            marks.push(ring([left + side * 0.5, top + side * 0.74], side * 0.05, Drawn::Filled(self.color())));
        }
        marks
    }

    /// The strokes of the shape in a square of 100.
    fn outline(self, path: &mut PathBuilder) {
        match self {
            Self::Passed => polygon(path, &[[28.0, 52.0], [44.0, 68.0], [73.0, 34.0]]),
            Self::Failed => {
                closed(path, &[[8.0, 8.0], [92.0, 8.0], [92.0, 92.0], [8.0, 92.0]]);
                polygon(path, &[[31.0, 31.0], [69.0, 69.0]]);
                polygon(path, &[[69.0, 31.0], [31.0, 69.0]]);
            }
            Self::Revoked => {
                closed(path, &[[32.0, 6.0], [68.0, 6.0], [94.0, 32.0], [94.0, 68.0], [68.0, 94.0], [32.0, 94.0], [6.0, 68.0], [6.0, 32.0]]);
                polygon(path, &[[33.0, 33.0], [67.0, 67.0]]);
                polygon(path, &[[67.0, 33.0], [33.0, 67.0]]);
            }
            Self::Withdrawn => {
                polygon(path, &[[38.0, 18.0], [14.0, 42.0], [38.0, 66.0]]);
                path.move_to(16.0, 42.0);
                path.line_to(60.0, 42.0);
                path.cubic_to(94.0, 42.0, 94.0, 92.0, 60.0, 92.0);
                path.line_to(36.0, 92.0);
            }
            Self::Cancelled => polygon(path, &[[20.0, 80.0], [80.0, 20.0]]),
            Self::Forged => {
                closed(path, &[[50.0, 8.0], [96.0, 90.0], [4.0, 90.0]]);
                polygon(path, &[[50.0, 38.0], [50.0, 62.0]]);
                polygon(path, &[[50.0, 74.0], [50.0, 78.0]]);
            }
            Self::NoRight => {
                closed(path, &[[8.0, 42.0], [92.0, 42.0], [50.0, 10.0]]);
                polygon(path, &[[10.0, 92.0], [90.0, 92.0]]);
                for column in [22.0, 50.0, 78.0] {
                    polygon(path, &[[column, 42.0], [column, 92.0]]);
                }
                polygon(path, &[[6.0, 96.0], [94.0, 8.0]]);
            }
            Self::StolenKey => {
                circle(path, [30.0, 50.0], 20.0);
                polygon(path, &[[50.0, 50.0], [94.0, 50.0], [94.0, 66.0]]);
                polygon(path, &[[78.0, 50.0], [78.0, 64.0]]);
                polygon(path, &[[10.0, 92.0], [90.0, 8.0]]);
            }
            Self::ReviewOverdue => {
                closed(path, &[[8.0, 18.0], [92.0, 18.0], [92.0, 94.0], [8.0, 94.0]]);
                polygon(path, &[[8.0, 40.0], [92.0, 40.0]]);
                polygon(path, &[[30.0, 6.0], [30.0, 28.0]]);
                polygon(path, &[[70.0, 6.0], [70.0, 28.0]]);
                polygon(path, &[[50.0, 52.0], [50.0, 68.0]]);
                polygon(path, &[[50.0, 80.0], [50.0, 83.0]]);
            }
            Self::NoDocument => {
                closed(path, &[[62.0, 6.0], [18.0, 6.0], [18.0, 94.0], [82.0, 94.0], [82.0, 26.0], [62.0, 6.0]]);
                polygon(path, &[[36.0, 46.0], [64.0, 74.0]]);
                polygon(path, &[[64.0, 46.0], [36.0, 74.0]]);
            }
            Self::Suspended => {
                polygon(path, &[[39.0, 31.0], [39.0, 69.0]]);
                polygon(path, &[[61.0, 31.0], [61.0, 69.0]]);
            }
            Self::Expired => {
                polygon(path, &[[18.0, 8.0], [82.0, 8.0]]);
                polygon(path, &[[18.0, 92.0], [82.0, 92.0]]);
                polygon(path, &[[28.0, 10.0], [28.0, 24.0], [72.0, 76.0], [72.0, 90.0]]);
                polygon(path, &[[72.0, 10.0], [72.0, 24.0], [28.0, 76.0], [28.0, 90.0]]);
            }
            Self::Replaced => {
                polygon(path, &[[26.0, 50.0], [72.0, 50.0]]);
                polygon(path, &[[54.0, 32.0], [73.0, 50.0], [54.0, 68.0]]);
            }
            Self::Unknown => closed(path, &[[50.0, 3.0], [97.0, 50.0], [50.0, 97.0], [3.0, 50.0]]),
            Self::Skipped => polygon(path, &[[24.0, 50.0], [76.0, 50.0]]),
        }
        if matches!(self, Self::Passed | Self::Suspended | Self::Replaced | Self::Cancelled) {
            circle(path, [50.0, 50.0], 44.0);
        }
        if self == Self::Unknown {
            path.move_to(37.0, 42.0);
            path.cubic_to(37.0, 24.0, 63.0, 24.0, 63.0, 41.0);
            path.cubic_to(63.0, 52.0, 50.0, 50.0, 50.0, 63.0);
        }
    }
}

fn polygon(path: &mut PathBuilder, points: &[[f32; 2]]) {
    for (number, [x, y]) in points.iter().enumerate() {
        if number == 0 { path.move_to(*x, *y) } else { path.line_to(*x, *y) }
    }
}

fn closed(path: &mut PathBuilder, points: &[[f32; 2]]) {
    polygon(path, points);
    path.close();
}
