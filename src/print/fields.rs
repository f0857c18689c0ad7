//! Labelled values in rows: two beside each other where both are short, else one.

use super::PrintFault;
use super::fonts::{Face, Fonts};
use super::sheet::{Branch, GREY, INK, Mark, Sheet, Side, TINT, lines, rule};
use super::text::{self, Paragraph, Placed, Style};
use krilla::tagging::{TableHeaderScope, Tag};

/// A label in Chinese and English with its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    pub label_zh: String,
    pub label_en: String,
    pub value: String,
    /// Whether papers of one class have the value alike.
    pub is_shared: bool,
}

impl Field {
    /// A value that each paper has for itself.
    #[must_use]
    pub fn new(label_zh: &str, label_en: &str, value: &str) -> Self {
        Self { label_zh: label_zh.to_owned(), label_en: label_en.to_owned(), value: value.to_owned(), is_shared: false }
    }

    /// A value that papers of one class have alike.
    #[must_use]
    pub fn shared(label_zh: &str, label_en: &str, value: &str) -> Self {
        Self { is_shared: true, ..Self::new(label_zh, label_en, value) }
    }
}

/// Sizes of labels as parts of the value's, within what is readable.
const LABEL_ZH: f32 = 0.85;
const LABEL_EN: f32 = 0.58;
/// Width of the label, and between columns.
const LABEL_WIDTH: f32 = 92.0;
const GUTTER: f32 = 22.0;
/// Room above and below a row as a part of the value's size.
const PADDING: f32 = 0.36;

/// How much smaller a value may become so that it shares a row.
const NARROWER: f32 = 0.8;

/// A field whose glyphs are known, to be laid out at one size after another.
pub(super) struct SetField {
    label_zh: Vec<Placed>,
    label_en: Vec<Placed>,
    value: Vec<Placed>,
}

/// Finds the glyphs of a field.
///
/// # Errors
/// A character is in no font.
pub(super) fn set(fonts: &Fonts, field: &Field) -> Result<SetField, PrintFault> {
    let [label_zh, label_en] = [&field.label_zh, &field.label_en].map(|label| text::set(fonts, Face::Form, label));
    let face = if field.is_shared { Face::Shared } else { Face::Text };
    Ok(SetField { label_zh: label_zh?, label_en: label_en?, value: text::set(fonts, face, &field.value)? })
}

/// A field with its lines.
pub(super) struct Cell {
    label_zh: Paragraph,
    label_en: Paragraph,
    value: Paragraph,
}

/// One or two fields beside each other.
pub(super) struct Row {
    cells: Vec<Cell>,
    pub(super) height: f32,
}

impl Cell {
    /// `style` is the value's; a value that does not fit one line takes more.
    fn new(field: &SetField, style: Style, width: f32) -> Self {
        let label = |size: f32, floor: f32| Style::fixed(Face::Form, size, GREY).sized(size, floor).led(1.25);
        let zh = label((style.size * LABEL_ZH).clamp(6.5, 10.0), 6.5);
        let en = label((style.size * LABEL_EN).clamp(5.2, 6.6), 5.2);
        Self {
            label_zh: text::fit_placed(zh, &field.label_zh, LABEL_WIDTH, 1),
            label_en: text::fit_placed(en, &field.label_en, LABEL_WIDTH, 1),
            value: text::fit_placed(style, &field.value, width - LABEL_WIDTH, 1),
        }
    }

    /// Labels stand on the baseline of the value's first line.
    fn drop_of_label(&self) -> f32 {
        (self.value.baseline(0) - self.label_zh.baseline(0)).max(0.0)
    }

    fn height(&self) -> f32 {
        (self.drop_of_label() + self.label_zh.height() + self.label_en.height()).max(self.value.height())
    }

    fn draw(&self, sheet: &mut Sheet, [left, top]: [f32; 2], width: f32) -> Branch {
        let label_top = top + self.drop_of_label();
        let zh = sheet.leaf(lines(&self.label_zh, [left, label_top], LABEL_WIDTH, Side::Left), None);
        let en = sheet.leaf(lines(&self.label_en, [left, label_top + self.label_zh.height()], LABEL_WIDTH, Side::Left), Some("en"));
        let value = sheet.leaf(lines(&self.value, [left + LABEL_WIDTH, top], width - LABEL_WIDTH, Side::Left), None);
        let head = Branch::Group(Tag::TH(TableHeaderScope::Row).into(), vec![zh, en]);
        Branch::Group(Tag::TR.into(), vec![head, Branch::Group(Tag::TD.into(), vec![value])])
    }
}

/// A row of one field over the whole width.
pub(super) fn row(field: &SetField, style: Style, width: f32) -> Row {
    let cell = Cell::new(field, style, width);
    let height = cell.height() + 2.0 * PADDING * style.size.min(14.0);
    Row { cells: vec![cell], height }
}

/// Lays fields out in rows of this width. Neighbours share a row when the value of each fits one line of its half.
pub(super) fn rows(fields: &[SetField], style: Style, width: f32) -> Vec<Row> {
    let half = (width - GUTTER) / 2.0;
    let mut rows = Vec::new();
    let mut rest = fields;
    while let [field, others @ ..] = rest {
        let narrow = style.sized(style.size, style.size * NARROWER);
        let first = Cell::new(field, narrow, half);
        let second = others.first().map(|other| Cell::new(other, narrow, half));
        match second {
            Some(second) if first.value.lines.len() <= 1 && second.value.lines.len() <= 1 => {
                let height = first.height().max(second.height()) + 2.0 * PADDING * style.size;
                rows.push(Row { cells: vec![first, second], height });
                rest = &others[1..];
            }
            _ => {
                rows.push(row(field, style, width));
                rest = others;
            }
        }
    }
    rows
}

/// The style of values at one size.
pub(super) fn value_style(size: f32) -> Style {
    Style::fixed(Face::Text, size, INK).led(1.3)
}

/// Draws rows below each other, each with a fine rule beneath, and gives the table that they are. `extra` is added to every row.
pub(super) fn draw(sheet: &mut Sheet, rows: &[Row], [left, top]: [f32; 2], width: f32, extra: f32) -> Vec<Branch> {
    let mut branches = Vec::new();
    let mut at = top;
    for row in rows {
        let height = row.height + extra;
        let inset = extra / 2.0 + PADDING * row.cells.iter().map(|cell| cell.value.style.size.min(14.0)).fold(0.0, f32::max);
        let cell_width = if row.cells.len() == 1 { width } else { (width - GUTTER) / 2.0 };
        let mut rules: Vec<Mark> = Vec::new();
        for (number, cell) in row.cells.iter().enumerate() {
            let cell_left = left + number as f32 * (cell_width + GUTTER);
            branches.push(cell.draw(sheet, [cell_left, at + inset], cell_width));
            rules.push(rule([cell_left, at + height], [cell_left + cell_width, at + height], TINT, 0.5));
        }
        sheet.ornament(rules);
        at += height;
    }
    branches
}
