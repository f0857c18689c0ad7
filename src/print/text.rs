//! Text before it is drawn: which font has each character, how wide it is, and where a line may end.
//!
//! No shaping: the scripts that a certificate is written in need none, and what is printed is what was given, character by character.

use super::fonts::{Face, Fonts};
use super::PrintFault;
use krilla::text::{GlyphId, KrillaGlyph};

/// Punctuation that closes something and never begins a line (GB/T 15834-2011, 5.1).
const NEVER_FIRST: &str = "，。、；：？！）》〉】〕］｝」』”’…—～·,.;:?!)]}%％‰℃";
/// Punctuation that opens something and never ends a line.
const NEVER_LAST: &str = "（《〈【〔［｛「『“‘([{#№";
/// How much smaller each attempt to fit a text is, in points.
const SHRINK_STEP: f32 = 0.5;
/// Part of the em above the baseline in all shipped fonts.
const ASCENT: f32 = 0.88;

/// One character with its glyph.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Placed {
    pub(super) character: char,
    /// Which font of `Fonts` has it.
    pub(super) font: usize,
    pub(super) glyph: u16,
    /// Width as a part of the font size.
    pub(super) advance: f32,
}

/// How a text looks. Sizes are in points.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) face: Face,
    pub(super) size: f32,
    /// The smallest size it may shrink to.
    pub(super) floor: f32,
    /// Height of a line as a multiple of the size.
    pub(super) leading: f32,
    pub(super) color: [u8; 3],
    /// Space between characters as a part of the size.
    pub(super) tracking: f32,
}

impl Style {
    pub(super) const fn fixed(face: Face, size: f32, color: [u8; 3]) -> Self {
        Self { face, size, floor: size, leading: 1.4, color, tracking: 0.0 }
    }

    pub(super) const fn sized(self, size: f32, floor: f32) -> Self {
        Self { size, floor, ..self }
    }

    pub(super) const fn tracked(self, tracking: f32) -> Self {
        Self { tracking, ..self }
    }

    pub(super) const fn led(self, leading: f32) -> Self {
        Self { leading, ..self }
    }
}

/// Lines that fit a width.
#[derive(Debug, Clone)]
pub(super) struct Paragraph {
    pub(super) lines: Vec<Vec<Placed>>,
    pub(super) style: Style,
}

impl Paragraph {
    pub(super) fn height(&self) -> f32 {
        self.lines.len() as f32 * self.style.size * self.style.leading
    }

    /// Distance of a line's baseline from the top of the paragraph.
    pub(super) fn baseline(&self, line: usize) -> f32 {
        self.style.size * (line as f32 * self.style.leading + (self.style.leading - 1.0) / 2.0 + ASCENT)
    }

    pub(super) fn line_width(&self, line: usize) -> f32 {
        width(&self.lines[line], self.style.tracking) * self.style.size
    }
}

/// Finds every character's glyph.
///
/// The wanted face is used only when it has the whole text, so that no word is mixed from two weights; else the text face, and
/// single rare characters from the fallback. Tabs and line ends count as spaces.
///
/// # Errors
/// No shipped font has a character; controls and marks that turn the direction of writing are such.
pub(super) fn set(fonts: &Fonts, face: Face, text: &str) -> Result<Vec<Placed>, PrintFault> {
    let characters = || text.chars().map(|character| if matches!(character, '\n' | '\r' | '\t') { ' ' } else { character });
    let wanted: Option<Vec<Placed>> = characters().map(|character| fonts.find(face.index(), character)).collect();
    match wanted {
        Some(placed) => Ok(placed),
        None => characters().map(|character| fonts.find_anywhere(character).ok_or(PrintFault::MissingCharacter(character))).collect(),
    }
}

/// Width of a line as a multiple of the size. There is no space behind the last character.
pub(super) fn width(line: &[Placed], tracking: f32) -> f32 {
    line.iter().map(|placed| placed.advance).sum::<f32>() + tracking * line.len().saturating_sub(1) as f32
}

/// Sets a text in at most `lines_wanted` lines: first at the style's size, then smaller, and at the floor in as many as it takes.
///
/// # Errors
/// As `set`.
pub(super) fn fit(fonts: &Fonts, style: Style, text: &str, width_max: f32, lines_wanted: usize) -> Result<Paragraph, PrintFault> {
    Ok(fit_placed(style, &set(fonts, style.face, text)?, width_max, lines_wanted))
}

/// The same of characters whose glyphs are known.
pub(super) fn fit_placed(style: Style, placed: &[Placed], width_max: f32, lines_wanted: usize) -> Paragraph {
    let mut size = style.size;
    loop {
        let lines = wrap(placed, width_max / size, style.tracking);
        if lines.len() <= lines_wanted || size <= style.floor {
            return Paragraph { lines, style: Style { size, ..style } };
        }
        size = (size - SHRINK_STEP).max(style.floor);
    }
}

/// Breaks a text into lines of this width (a multiple of the size).
pub(super) fn wrap(placed: &[Placed], width_max: f32, tracking: f32) -> Vec<Vec<Placed>> {
    let mut lines = Vec::new();
    let mut start = 0;
    while start < placed.len() {
        let end = line_end(&placed[start..], width_max, tracking) + start;
        let line = &placed[start..end];
        let kept = line.iter().rposition(|placed| placed.character != ' ').map_or(0, |last| last + 1);
        lines.push(line[..kept].to_vec());
        start = end + placed[end..].iter().take_while(|placed| placed.character == ' ').count();
    }
    lines
}

/// How many characters the first line takes; at least one.
fn line_end(placed: &[Placed], width_max: f32, tracking: f32) -> usize {
    let (mut used, mut last_break) = (0.0, None);
    for (index, next) in placed.iter().enumerate() {
        // The two strokes behind the scheme of an address stay together and with what follows.
        let is_scheme = index > 1 && placed[index - 2].character == '/';
        if index > 0 && !is_scheme && may_break(placed[index - 1].character, next.character) {
            last_break = Some(index);
        }
        // A space at the end of a line takes no room.
        if used + next.advance > width_max && next.character != ' ' {
            // A word that is longer than a line is cut anywhere.
            return last_break.unwrap_or(index).max(1);
        }
        used += next.advance + tracking;
    }
    placed.len()
}

fn may_break(before: char, after: char) -> bool {
    if after == ' ' || NEVER_FIRST.contains(after) || NEVER_LAST.contains(before) {
        return false;
    }
    before == ' ' || matches!(before, '/' | '-' | '|' | '_') && after.is_alphabetic() || is_wide(before) || is_wide(after)
}

/// Han characters, kana and full-width forms: a line may end beside them.
fn is_wide(character: char) -> bool {
    matches!(u32::from(character), 0x2e80..=0x9fff | 0xf900..=0xfaff | 0xff00..=0xffef | 0x20000..=0x3ffff | 0x2014 | 0x2018..=0x201d | 0x2026)
}

/// A piece of a line in one font, as krilla wants it.
pub(super) struct Run {
    pub(super) font: usize,
    pub(super) text: String,
    pub(super) glyphs: Vec<KrillaGlyph>,
    /// Width as a multiple of the size, with the tracking behind the last character.
    pub(super) width: f32,
}

/// Cuts a line where the font changes.
pub(super) fn runs(line: &[Placed], tracking: f32) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for piece in line.chunk_by(|left, right| left.font == right.font) {
        let mut run = Run { font: piece[0].font, text: String::with_capacity(piece.len() * 4), glyphs: Vec::with_capacity(piece.len()), width: 0.0 };
        for placed in piece {
            let start = run.text.len();
            run.text.push(placed.character);
            let advance = placed.advance + tracking;
            run.glyphs.push(KrillaGlyph::new(GlyphId::new(u32::from(placed.glyph)), advance, 0.0, 0.0, 0.0, start..run.text.len(), None));
            run.width += advance;
        }
        runs.push(run);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::print::fonts::tests::fonts;

    fn lines(text: &str, width_max: f32) -> Vec<String> {
        let placed = set(fonts(), Face::Text, text).unwrap();
        wrap(&placed, width_max, 0.0).iter().map(|line| line.iter().map(|placed| placed.character).collect()).collect()
    }

    #[test]
    fn a_line_begins_with_no_closing_and_ends_with_no_opening_mark() {
        assert_eq!(lines("一二三，四五六", 3.0), ["一二", "三，四", "五六"]);
        assert_eq!(lines("一二（三四）五", 3.0), ["一二", "（三", "四）五"]);
    }

    #[test]
    fn words_stay_whole_unless_they_are_longer_than_a_line() {
        assert_eq!(lines("one two three", 4.0), ["one two", "three"]);
        assert_eq!(lines("abcdefghijklmnop", 4.0).concat(), "abcdefghijklmnop");
        assert!(lines("abcdefghijklmnop", 4.0).len() > 1);
    }

    #[test]
    fn nothing_is_lost_by_wrapping() {
        let text = "阿卜杜拉·买买提江·吐尔逊、欧阳娜娜（Ouyang Nana），𬭚𫖯𠮷䶮㛃。";
        for width_max in 1..30 {
            assert_eq!(lines(text, width_max as f32).concat().replace(' ', ""), text.replace(' ', ""));
        }
    }

    #[test]
    fn a_text_shrinks_to_its_floor_and_then_wraps() {
        let style = Style::fixed(Face::Text, 20.0, [0; 3]).sized(20.0, 10.0);
        assert_eq!(fit(fonts(), style, "一二三四五", 100.0, 1).unwrap().style.size, 20.0);
        assert_eq!(fit(fonts(), style, "一二三四五六七", 100.0, 1).unwrap().style.size, 14.0);
        let long = fit(fonts(), style, &"一".repeat(25), 100.0, 1).unwrap();
        assert_eq!((long.style.size, long.lines.len()), (10.0, 3));
    }

    #[test]
    fn what_no_font_has_is_told() {
        for character in ['\u{202e}', '\u{2066}', '\u{0}', '\u{1b}', '\u{feff}', '\u{e000}', 'ئ', '\u{200d}'] {
            assert_eq!(set(fonts(), Face::Text, &format!("张{character}三")).unwrap_err(), PrintFault::MissingCharacter(character));
        }
        assert_eq!(set(fonts(), Face::Text, "a\nb").unwrap()[1].character, ' ');
    }
}
