//! The shipped fonts (assets/fonts/SOURCES.md), opened once.

use std::sync::LazyLock;
use super::text::Placed;
use krilla::text::Font;
use skrifa::instance::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider};

/// What a text is for.
///
/// The characters that a file uses of a font are cut out of it and packed, which is half of the time that the file takes. A cut is
/// remembered by its characters in the order of their first use (krilla's `comemo`), so texts that many papers have alike are set in fonts
/// of their own: while papers of one class are made, those are cut once, and for each paper only what it alone says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    /// Values and running text: every character that is shipped. The time that a font costs grows with the characters of the font out of
    /// which they are cut, so those that most texts are written with are a font of their own.
    Text,
    /// Titles and names of bodies, heavier.
    Title,
    /// Labels and sentences that are the same on every paper of a kind: the text face again.
    Form,
    /// Values that papers of one class have alike, the key among them: the text face a third time.
    Shared,
}

impl Face {
    pub(super) const fn index(self) -> usize {
        match self {
            Self::Text => TEXT,
            Self::Title => TITLE,
            Self::Form => FORM,
            Self::Shared => SHARED,
        }
    }
}

const TEXT: usize = 0;
const TITLE: usize = 1;
/// The other Han characters of the text face, of the same design.
const FURTHER: usize = 2;
/// Rare Han characters that the text face has not.
const RARE: usize = 3;
/// Latin letters of other countries that the text face has not.
const LATIN: usize = 4;
/// The characters of `TEXT` once more, and again.
const FORM: usize = 5;
const SHARED: usize = 6;

static BYTES: [&[u8]; 5] = [
    include_bytes!("../../assets/fonts/serif-common.otf"),
    include_bytes!("../../assets/fonts/serif-bold.otf"),
    include_bytes!("../../assets/fonts/serif-further.otf"),
    include_bytes!("../../assets/fonts/rare.ttf"),
    include_bytes!("../../assets/fonts/latin.ttf"),
];

/// The text font for `FORM` and `SHARED`. Bytes behind its end, which no table reaches, make it another font for krilla.
static AGAIN: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| [4, 8].map(|more| [BYTES[TEXT], &vec![0; more]].concat()));

/// The fonts, ready to set text with. Made once; a reference is all that a thread needs.
pub struct Fonts([Typeface; BYTES.len() + 2]);

struct Typeface {
    font: Font,
    /// Character, glyph and width in font units, in order of the characters.
    glyphs: Vec<(char, u16, u16)>,
    units_per_em: f32,
}

static SHIPPED: LazyLock<Fonts> = LazyLock::new(Fonts::new);

impl Fonts {
    /// The fonts of this program, opened when they are first asked for.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// Opens the fonts that are compiled in. Takes some milliseconds.
    #[must_use]
    pub fn new() -> Self {
        Self(std::array::from_fn(|index| Typeface::new(BYTES.get(index).copied().unwrap_or_else(|| &AGAIN[index - FORM]))))
    }

    pub(super) fn font(&self, index: usize) -> &Font {
        &self.0[index].font
    }

    pub(super) fn find(&self, index: usize, character: char) -> Option<Placed> {
        let face = &self.0[index];
        let at = face.glyphs.binary_search_by_key(&character, |(of, ..)| *of).ok()?;
        let (_, glyph, advance) = face.glyphs[at];
        Some(Placed { character, font: index, glyph, advance: f32::from(advance) / face.units_per_em })
    }

    pub(super) fn find_anywhere(&self, character: char) -> Option<Placed> {
        [TEXT, FURTHER, RARE, LATIN].into_iter().find_map(|face| self.find(face, character))
    }
}

impl Default for Fonts {
    fn default() -> Self {
        Self::new()
    }
}

impl Typeface {
    fn new(bytes: &'static [u8]) -> Self {
        let font = Font::new(bytes.into(), 0).expect("a font that is shipped can be read");
        let face = FontRef::new(bytes).expect("a font that is shipped can be read");
        let metrics = face.glyph_metrics(Size::unscaled(), LocationRef::default());
        let mut glyphs: Vec<(char, u16, u16)> = face
            .charmap()
            .mappings()
            .filter_map(|(code, glyph)| Some((char::from_u32(code)?, u16::try_from(glyph.to_u32()).ok()?, metrics.advance_width(glyph)? as u16)))
            .collect();
        glyphs.sort_unstable();
        let units_per_em = font.units_per_em();
        Self { font, glyphs, units_per_em }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use std::sync::OnceLock;

    pub(in crate::print) fn fonts() -> &'static Fonts {
        static FONTS: OnceLock<Fonts> = OnceLock::new();
        FONTS.get_or_init(Fonts::new)
    }

    #[test]
    fn fonts_are_shared_between_threads() {
        fn shared<T: Send + Sync>(_: &T) {}
        shared(fonts());
    }

    #[test]
    fn every_character_of_the_basic_blocks_can_be_printed() {
        let missing: Vec<char> = ('\u{4e00}'..='\u{9fea}').chain('\u{3400}'..='\u{4db5}').filter(|character| fonts().find_anywhere(*character).is_none()).collect();
        assert_eq!(missing, Vec::<char>::new());
        for character in "𬭚𫖯𠮷䶮㛃·．ßłÉžğÑ、。“”（）：𫟹𬺈𬴃".chars() {
            assert!(fonts().find_anywhere(character).is_some(), "{character}");
        }
    }
}
