//! Documents of many pages, A4 standing: what does not fit moves to the next page, heads of tables come again, pages are numbered.

use super::PrintFault;
use super::attachments::Attachment;
use super::fields::{self, Field, SetField};
use super::fonts::{Face, Fonts};
use super::sheet::{A4, About, Branch, Drawn, GREEN, GREY, INK, Mark, PALE, Sheet, Side, TINT, lines, rectangle, rule};
use super::signs::Sign;
use super::text::{self, Paragraph, Style};
use krilla::tagging::{TableHeaderScope, Tag, TagKind};
use std::num::NonZeroU16;

pub(super) const LEFT: f32 = 56.0;
pub(super) const WIDTH: f32 = A4[0] - 2.0 * LEFT;
const TOP: f32 = 48.0;
const BOTTOM: f32 = A4[1] - 66.0;
/// Where the line at the foot stands.
const FOOT: f32 = A4[1] - 48.0;
/// Size of what stands in tables.
const CELL_SIZE: f32 = 8.6;
/// Room in a cell: beside and above its text.
const CELL_PADDING: [f32; 2] = [4.0, 3.4];

/// A sign before the text of a cell, alone and with the room behind it.
const SIGN_SIDE: f32 = 9.6;
const SIGN_WIDTH: f32 = SIGN_SIDE + 5.0;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column {
    pub(super) zh: &'static str,
    pub(super) en: &'static str,
    /// In points.
    pub(super) width: f32,
    pub(super) side: Side,
}

/// A cell of a table: text, perhaps with a sign before it that says the same.
pub(super) struct Entry {
    pub(super) text: String,
    pub(super) sign: Option<Sign>,
}

impl From<&str> for Entry {
    fn from(text: &str) -> Self {
        Self { text: text.to_owned(), sign: None }
    }
}

/// A document under composition, and how far down its last page is filled.
pub(super) struct Flow<'f> {
    pub(super) sheet: Sheet,
    pub(super) fonts: &'f Fonts,
    pub(super) y: f32,
}

impl<'f> Flow<'f> {
    pub(super) fn new(fonts: &'f Fonts) -> Self {
        Self { sheet: Sheet::new(A4), fonts, y: TOP }
    }

    /// Starts a page when less than this height is left. Says whether it did.
    pub(super) fn make_room(&mut self, height: f32) -> bool {
        let is_full = self.y + height > BOTTOM && self.y > TOP;
        if is_full {
            self.sheet.start_page();
            self.y = TOP;
        }
        is_full
    }

    /// A heading in both languages, with room for something below it.
    pub(super) fn heading(&mut self, level: u16, zh: &str, en: &str) -> Result<(), PrintFault> {
        /// What must fit below a heading on the same page.
        const BELOW: f32 = 64.0;
        let (size, small, above) = if level == 1 { (22.0, 10.0, 0.0) } else { (13.0, 6.8, 14.0) };
        let zh_lines = text::fit(self.fonts, Style::fixed(Face::Title, size, GREEN).sized(size, 11.0).led(1.25), zh, WIDTH, 1)?;
        let en_lines = text::fit(self.fonts, Style::fixed(Face::Text, small, GREY).led(1.3), en, WIDTH, 1)?;
        self.make_room(above + zh_lines.height() + en_lines.height() + BELOW);
        self.y += if self.y > TOP { above } else { 0.0 };
        let number = NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN);
        let zh_leaf = self.sheet.leaf(lines(&zh_lines, [LEFT, self.y], WIDTH, Side::Left), None);
        let en_leaf = self.sheet.leaf(lines(&en_lines, [LEFT, self.y + zh_lines.height()], WIDTH, Side::Left), Some("en"));
        self.sheet.hang(Branch::Group(Tag::Hn(number, Some(zh.to_owned())).into(), vec![zh_leaf, en_leaf]));
        self.y += zh_lines.height() + en_lines.height() + 5.0;
        Ok(())
    }

    /// A paragraph, line by line over as many pages as it takes.
    pub(super) fn paragraph(&mut self, style: Style, content: &str, language: Option<&'static str>) -> Result<(), PrintFault> {
        let paragraph = text::fit(self.fonts, style, content, WIDTH, usize::MAX)?;
        let mut leaves = Vec::new();
        for line in &paragraph.lines {
            let one = Paragraph { lines: vec![line.clone()], style: paragraph.style };
            self.make_room(one.height());
            leaves.push(self.sheet.leaf(lines(&one, [LEFT, self.y], WIDTH, Side::Left), language));
            self.y += one.height();
        }
        self.sheet.hang(Branch::Group(Tag::P.into(), leaves));
        Ok(())
    }

    /// Labelled values over the whole width.
    pub(super) fn fields(&mut self, content: &[Field], size: f32) -> Result<(), PrintFault> {
        let mut table = Vec::new();
        let content: Vec<SetField> = content.iter().map(|field| fields::set(self.fonts, field)).collect::<Result<_, _>>()?;
        for row in fields::rows(&content, fields::value_style(size), WIDTH) {
            fits_a_page(row.height)?;
            self.make_room(row.height);
            table.extend(fields::draw(&mut self.sheet, std::slice::from_ref(&row), [LEFT, self.y], WIDTH, 0.0));
            self.y += row.height;
        }
        self.sheet.hang(Branch::Group(Tag::Table.into(), table));
        Ok(())
    }

    /// A table whose head comes again on every page.
    pub(super) fn table(&mut self, columns: &[Column], rows: impl IntoIterator<Item = Vec<Entry>>) -> Result<(), PrintFault> {
        let head: Vec<(Paragraph, Paragraph)> = columns.iter().map(|column| self.head_of(column)).collect::<Result<_, _>>()?;
        let head_height = head.iter().map(|(zh, en)| zh.height() + en.height()).fold(0.0, f32::max) + 2.0 * CELL_PADDING[1];
        self.make_room(head_height + 2.0 * CELL_SIZE * 1.4);
        let cells = self.draw_head(columns, &head, head_height);
        let leaves = cells.into_iter().map(|marks| {
            let leaf = self.sheet.leaf(marks, None);
            Branch::Group(Tag::TH(TableHeaderScope::Column).into(), vec![leaf])
        });
        let first = Branch::Group(Tag::THead.into(), vec![Branch::Group(Tag::TR.into(), leaves.collect())]);
        let mut body = Vec::new();
        for row in rows {
            let style = Style::fixed(Face::Text, CELL_SIZE, INK).led(1.35);
            let room = |column: &Column, entry: &Entry| column.width - 2.0 * CELL_PADDING[0] - entry.sign.map_or(0.0, |_| SIGN_WIDTH);
            let set: Vec<Paragraph> = columns.iter().zip(&row).map(|(column, entry)| text::fit(self.fonts, style, &entry.text, room(column, entry), usize::MAX)).collect::<Result<_, _>>()?;
            let height = set.iter().map(Paragraph::height).fold(CELL_SIZE * 1.35, f32::max) + 2.0 * CELL_PADDING[1];
            fits_a_page(height + head_height)?;
            if self.make_room(height) {
                let again = self.draw_head(columns, &head, head_height).into_iter().flatten().collect();
                self.sheet.ornament(again);
            }
            body.push(self.draw_row(columns, &row, &set, height));
        }
        self.sheet.hang(Branch::Group(Tag::Table.into(), vec![first, Branch::Group(Tag::TBody.into(), body)]));
        self.y += 4.0;
        Ok(())
    }

    fn head_of(&self, column: &Column) -> Result<(Paragraph, Paragraph), PrintFault> {
        let width = column.width - 2.0 * CELL_PADDING[0];
        let zh = text::fit(self.fonts, Style::fixed(Face::Title, 8.4, GREEN).sized(8.4, 6.0).led(1.25), column.zh, width, 1)?;
        let en = text::fit(self.fonts, Style::fixed(Face::Text, 6.4, GREY).sized(6.4, 5.0).led(1.25), column.en, width, 1)?;
        Ok((zh, en))
    }

    /// Draws the head of a table at the present height, and gives the marks of each cell.
    fn draw_head(&mut self, columns: &[Column], head: &[(Paragraph, Paragraph)], height: f32) -> Vec<Vec<Mark>> {
        let width: f32 = columns.iter().map(|column| column.width).sum();
        let ground = rectangle([LEFT, self.y], [width, height], Drawn::Filled(PALE));
        let line = rule([LEFT, self.y + height], [LEFT + width, self.y + height], GREEN, 0.8);
        self.sheet.ornament(vec![ground, line]);
        let mut left = LEFT;
        let mut cells = Vec::new();
        for (column, (zh, en)) in columns.iter().zip(head) {
            let [x, y] = [left + CELL_PADDING[0], self.y + CELL_PADDING[1]];
            let inner = column.width - 2.0 * CELL_PADDING[0];
            let mut marks = lines(zh, [x, y], inner, column.side);
            marks.extend(lines(en, [x, y + zh.height()], inner, column.side));
            cells.push(marks);
            left += column.width;
        }
        self.y += height;
        cells
    }

    fn draw_row(&mut self, columns: &[Column], row: &[Entry], set: &[Paragraph], height: f32) -> Branch {
        let mut left = LEFT;
        let mut cells = Vec::new();
        for ((column, entry), paragraph) in columns.iter().zip(row).zip(set) {
            let [x, y] = [left + CELL_PADDING[0], self.y + CELL_PADDING[1]];
            let indent = entry.sign.map_or(0.0, |_| SIGN_WIDTH);
            let marks = lines(paragraph, [x + indent, y], column.width - 2.0 * CELL_PADDING[0] - indent, column.side);
            let leaf = self.sheet.leaf(marks, None);
            if let Some(sign) = entry.sign {
                // The words beside it say the same.
                self.sheet.ornament(sign.draw([x, y + 1.0], SIGN_SIDE));
            }
            cells.push(Branch::Group(TagKind::from(Tag::TD), vec![leaf]));
            left += column.width;
        }
        self.y += height;
        self.sheet.ornament(vec![rule([LEFT, self.y], [left, self.y], TINT, 0.5)]);
        Branch::Group(Tag::TR.into(), cells)
    }

    /// Numbers the pages and writes the file. `foot` stands at the foot of every page.
    pub(super) fn finish(mut self, about: &About, foot: &str, attachments: &[Attachment], seal: Option<&[u8]>) -> Result<Vec<u8>, PrintFault> {
        /// Room for the numbers of pages.
        const NUMBERS: f32 = 150.0;
        let small = Style::fixed(Face::Text, 7.0, GREY).sized(7.0, 5.4);
        let foot = text::fit(self.fonts, small, foot, WIDTH - NUMBERS, 1)?;
        if foot.lines.len() > 3 {
            return Err(PrintFault::DoesNotFit("the foot of the page"));
        }
        let pages = self.sheet.pages();
        for page in 0..pages {
            let number = format!("第 {} 页 共 {pages} 页 / Page {} of {pages}", page + 1, page + 1);
            let number = text::fit(self.fonts, small, &number, NUMBERS, 1)?;
            let mut marks = vec![rule([LEFT, FOOT], [LEFT + WIDTH, FOOT], TINT, 0.6)];
            marks.extend(lines(&foot, [LEFT, FOOT + 3.0], WIDTH - NUMBERS, Side::Left));
            marks.extend(lines(&number, [LEFT + WIDTH - NUMBERS, FOOT + 3.0], NUMBERS, Side::Right));
            self.sheet.ornament_on(page, marks);
        }
        self.sheet.finish(self.fonts, about, attachments, seal)
    }
}

fn fits_a_page(height: f32) -> Result<(), PrintFault> {
    if height > BOTTOM - TOP { Err(PrintFault::DoesNotFit("a row of a table")) } else { Ok(()) }
}
