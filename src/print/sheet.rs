//! Pages before they are written: marks at their places, and the structure that a screen reader follows (ISO 32000-1, 14.8).
//!
//! Lengths are points (1/72 inch), measured from the upper left corner.

use super::attachments::Attachment;
use super::fonts::{Face, Fonts};
use super::text::{self, Paragraph, Placed, Style};
use super::{PrintFault, seal};
use chrono::{DateTime, Datelike, Timelike, Utc};
use krilla::SerializeSettings;
use krilla::color::rgb;
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::embed::{AssociationKind, EmbeddedFile, MimeType};
use krilla::graphic::Graphic;
use krilla::geom::{Path, PathBuilder, Point, Rect, Size, Transform};
use krilla::image::Image;
use krilla::metadata::{self, Metadata};
use krilla::num::NormalizedF32;
use krilla::page::PageSettings;
use krilla::paint::{Fill, FillRule, Stroke};
use krilla::surface::Surface;
use krilla::tagging::{Artifact, ArtifactType, ContentTag, Identifier, Node, SpanTag, Tag, TagGroup, TagKind, TagTree};
use krilla::Document;
use std::collections::HashMap;

pub(super) const INK: [u8; 3] = [0x16, 0x21, 0x1e];
pub(super) const GREY: [u8; 3] = [0x4a, 0x5a, 0x55];
pub(super) const RED: [u8; 3] = [0xb0, 0x1e, 0x1e];
pub(super) const RED_TINT: [u8; 3] = [0xfb, 0xee, 0xec];
pub(super) const AMBER: [u8; 3] = [0x7a, 0x4a, 0x00];
pub(super) const AMBER_TINT: [u8; 3] = [0xfb, 0xf3, 0xe2];
pub(super) const GREY_TINT: [u8; 3] = [0xf0, 0xf0, 0xec];
pub(super) const GREEN: [u8; 3] = [0x0b, 0x5d, 0x4e];
/// The accent colour, thinned for rules.
pub(super) const TINT: [u8; 3] = [0xb5, 0xcf, 0xc9];
/// The accent colour, thinned for grounds.
pub(super) const PALE: [u8; 3] = [0xec, 0xf4, 0xf1];
pub(super) const WHITE: [u8; 3] = [0xff, 0xff, 0xff];

/// A4, the short and the long side.
pub(super) const A4: [f32; 2] = [595.28, 841.89];

/// Places are rounded to hundredths of a point: short numbers make small files.
const GRAIN: f32 = 100.0;

/// For how many files a packed stream is remembered that none of them uses: so that papers of all kinds, in any order, find their labels.
const REMEMBERED_FOR: usize = 16;

/// How a path is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) enum Drawn {
    Filled([u8; 3]),
    /// A line of this width.
    Stroked([u8; 3], f32),
}

/// Something on a page.
pub(super) enum Mark {
    Line { baseline: [f32; 2], line: Vec<Placed>, style: Style },
    Path { path: Path, drawn: Drawn, place: Option<Transform> },
    /// One character whose origin is moved and turned.
    Turned { placed: Placed, style: Style, place: Transform },
    /// A picture (JPEG), from its upper left corner.
    Picture { jpeg: Vec<u8>, corner: [f32; 2], size: [f32; 2] },
    /// The same marks at several places: an object of its own, which is packed once for all files that have it.
    Repeated { marks: Vec<Mark>, places: Vec<Transform> },
}

/// What a mark belongs to: a leaf, or a group of the document's structure.
pub(super) enum Branch {
    Leaf(usize),
    Group(TagKind, Vec<Branch>),
}

struct Leaf {
    page: usize,
    marks: Vec<Mark>,
    /// Marks that only please the eye are no part of the structure.
    is_ornament: bool,
    language: Option<&'static str>,
    /// What is copied from the page instead of scattered characters.
    reading: Option<String>,
}

/// What a file says about itself.
pub(super) struct About {
    pub(super) title: String,
    pub(super) author: String,
    /// What stays the same when the file is made again.
    pub(super) identity: String,
    pub(super) created_at: DateTime<Utc>,
}

/// Pages under composition.
pub(super) struct Sheet {
    /// Width and height of every page.
    size: [f32; 2],
    pages: usize,
    leaves: Vec<Leaf>,
    tree: Vec<Branch>,
}

impl Sheet {
    /// A document with one empty page.
    pub(super) fn new(size: [f32; 2]) -> Self {
        Self { size, pages: 1, leaves: Vec::new(), tree: Vec::new() }
    }

    pub(super) fn start_page(&mut self) {
        self.pages += 1;
    }

    pub(super) fn pages(&self) -> usize {
        self.pages
    }

    /// Puts marks on the last page. The leaf must be hung into the structure exactly once.
    pub(super) fn leaf(&mut self, marks: Vec<Mark>, language: Option<&'static str>) -> Branch {
        self.leaves.push(Leaf { page: self.pages - 1, marks, is_ornament: false, language, reading: None });
        Branch::Leaf(self.leaves.len() - 1)
    }

    /// Puts a figure on the last page whose characters, if it has any, read as `reading`.
    pub(super) fn hang_figure(&mut self, alternative: String, marks: Vec<Mark>, reading: Option<String>) {
        self.leaves.push(Leaf { page: self.pages - 1, marks, is_ornament: false, language: None, reading });
        self.hang(Branch::Group(Tag::Figure(Some(alternative)).into(), vec![Branch::Leaf(self.leaves.len() - 1)]));
    }

    /// Puts marks on a page that mean nothing.
    pub(super) fn ornament_on(&mut self, page: usize, marks: Vec<Mark>) {
        self.leaves.push(Leaf { page, marks, is_ornament: true, language: None, reading: None });
    }

    pub(super) fn ornament(&mut self, marks: Vec<Mark>) {
        self.ornament_on(self.pages - 1, marks);
    }

    pub(super) fn hang(&mut self, branch: Branch) {
        self.tree.push(branch);
    }

    /// Marks as one element of the structure.
    pub(super) fn hang_marks(&mut self, tag: impl Into<TagKind>, marks: Vec<Mark>, language: Option<&'static str>) {
        let leaf = self.leaf(marks, language);
        self.hang(Branch::Group(tag.into(), vec![leaf]));
    }

    /// Writes the PDF with its attachments.
    ///
    /// # Errors
    /// An attachment has no plain name, or the PDF would break a rule of PDF/A.
    pub(super) fn finish(self, fonts: &Fonts, about: &About, attachments: &[Attachment], seal: Option<&[u8]>) -> Result<Vec<u8>, PrintFault> {
        let not_made = |why: String| PrintFault::NotMade(why);
        let configuration = ConfigurationBuilder::new().with_archival_validator(Archival::A3_A).finish().map_err(|fault| not_made(format!("{fault:?}")))?;
        let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
        let [width, height] = self.size;
        let settings = PageSettings::from_wh(width, height).ok_or_else(|| not_made("a page without size".to_owned()))?;
        let mut identifiers = HashMap::new();
        for number in 0..self.pages {
            let mut page = document.start_page_with(settings.clone());
            let mut surface = page.surface();
            for (index, leaf) in self.leaves.iter().enumerate().filter(|(_, leaf)| leaf.page == number) {
                identifiers.insert(index, paint_leaf(&mut surface, fonts, leaf));
            }
            surface.finish();
            page.finish();
        }
        let children: Vec<Node> = self.tree.into_iter().map(|branch| node(branch, &mut identifiers)).collect();
        let mut tree = TagTree::new().with_lang(Some("zh-CN".to_owned()));
        children.into_iter().for_each(|child| tree.push(child));
        document.set_tag_tree(tree);
        let created = date_time(about.created_at);
        let metadata = Metadata::new().title(about.title.clone()).authors(vec![about.author.clone()]).document_id(about.identity.clone());
        document.set_metadata(metadata.language("zh-CN".to_owned()).creator("Jilu 技录".to_owned()).creation_date(created));
        for attachment in attachments {
            attach(&mut document, attachment, created)?;
        }
        if let Some(placeholder) = seal {
            attach(&mut document, &seal::attachment(placeholder), created)?;
        }
        let finished = document.finish().map_err(|fault| not_made(fault.to_string()));
        // Packed streams are remembered by their contents; what the last files did not use is forgotten, above all what names people.
        comemo::evict(REMEMBERED_FOR);
        finished
    }
}

fn node(branch: Branch, identifiers: &mut HashMap<usize, Identifier>) -> Node {
    match branch {
        Branch::Leaf(index) => identifiers.remove(&index).expect("each leaf was painted and hangs at one place").into(),
        Branch::Group(tag, children) => TagGroup::with_children(tag, children.into_iter().map(|child| node(child, identifiers)).collect()).into(),
    }
}

fn paint_leaf(surface: &mut Surface<'_>, fonts: &Fonts, leaf: &Leaf) -> Identifier {
    let tag = match (leaf.language, &leaf.reading) {
        _ if leaf.is_ornament => ContentTag::Artifact(Artifact::with_kind(ArtifactType::Layout)),
        (None, None) => ContentTag::Other,
        (language, reading) => ContentTag::Span(SpanTag::empty().with_lang(language).with_actual_text(reading.as_deref())),
    };
    let identifier = surface.start_tagged(tag);
    leaf.marks.iter().for_each(|mark| paint(surface, fonts, mark));
    surface.end_tagged();
    identifier
}

fn paint(surface: &mut Surface<'_>, fonts: &Fonts, mark: &Mark) {
    surface.set_stroke(None);
    match mark {
        Mark::Line { baseline: [x, y], line, style } => {
            surface.set_fill(Some(fill(style.color)));
            let mut left = *x;
            for run in text::runs(line, style.tracking) {
                surface.draw_glyphs(Point::from_xy(rounded(left), rounded(*y)), &run.glyphs, fonts.font(run.font).clone(), &run.text, style.size, false);
                left += run.width * style.size;
            }
        }
        Mark::Path { path, drawn, place } => {
            match *drawn {
                Drawn::Filled(color) => surface.set_fill(Some(fill(color))),
                Drawn::Stroked(color, width) => {
                    surface.set_fill(None);
                    surface.set_stroke(Some(Stroke { paint: rgb_color(color).into(), width, ..Stroke::default() }));
                }
            }
            if let Some(place) = place {
                surface.push_transform(place);
            }
            surface.draw_path(path);
            if place.is_some() {
                surface.pop();
            }
        }
        Mark::Turned { placed, style, place } => {
            surface.set_fill(Some(fill(style.color)));
            surface.push_transform(place);
            for run in text::runs(std::slice::from_ref(placed), 0.0) {
                surface.draw_glyphs(Point::from_xy(0.0, 0.0), &run.glyphs, fonts.font(run.font).clone(), &run.text, style.size, false);
            }
            surface.pop();
        }
        Mark::Picture { jpeg, corner: [left, top], size: [width, height] } => {
            let image = Image::from_jpeg(jpeg.clone().into(), false).expect("a portrait is a JPEG file that was just made");
            surface.push_transform(&Transform::from_translate(rounded(*left), rounded(*top)));
            surface.draw_image(image, Size::from_wh(*width, *height).expect("a picture on the page has a size"));
            surface.pop();
        }
        Mark::Repeated { marks, places } => {
            let mut builder = surface.stream_builder();
            let mut apart = builder.surface();
            marks.iter().for_each(|mark| paint(&mut apart, fonts, mark));
            apart.finish();
            let graphic = Graphic::new(builder.finish(), false);
            for place in places {
                surface.push_transform(place);
                surface.draw_graphic(graphic.clone());
                surface.pop();
            }
        }
    }
}

fn rounded(length: f32) -> f32 {
    (length * GRAIN).round() / GRAIN
}

fn rgb_color([red, green, blue]: [u8; 3]) -> rgb::Color {
    rgb::Color::new(red, green, blue)
}

fn fill(color: [u8; 3]) -> Fill {
    Fill { paint: rgb_color(color).into(), opacity: NormalizedF32::ONE, rule: FillRule::NonZero }
}

fn date_time(at: DateTime<Utc>) -> metadata::DateTime {
    let year = u16::try_from(at.year()).unwrap_or(0);
    let [month, day, hour, minute, second] = [at.month(), at.day(), at.hour(), at.minute(), at.second()].map(|part| part as u8);
    metadata::DateTime::new(year).month(month).day(day).hour(hour).minute(minute).second(second).utc_offset_hour(0).utc_offset_minute(0)
}

fn attach(document: &mut Document, attachment: &Attachment, at: metadata::DateTime) -> Result<(), PrintFault> {
    let refused = || PrintFault::BadAttachment(attachment.name.clone());
    let is_plain = !attachment.name.is_empty() && attachment.name.chars().all(|character| character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_'));
    if !is_plain || attachment.description.is_empty() || attachment.description.chars().any(char::is_control) {
        return Err(refused());
    }
    let file = EmbeddedFile {
        path: attachment.name.clone(),
        mime_type: Some(MimeType::new(&attachment.media_type).ok_or_else(refused)?),
        description: Some(attachment.description.clone()),
        association_kind: AssociationKind::Data,
        data: attachment.bytes.clone().into(),
        modification_date: Some(at),
        // Signatures hardly shrink, and plain bytes can be read with any tool and signed in place.
        compress: Some(false),
        location: None,
    };
    document.embed_file(file).ok_or_else(refused)
}

/// Where a paragraph's lines stand between the left and the right edge.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Side {
    Left,
    Middle,
    Right,
}

/// The lines of a paragraph whose box begins at `left`, `top`.
pub(super) fn lines(paragraph: &Paragraph, [left, top]: [f32; 2], width: f32, side: Side) -> Vec<Mark> {
    let places = paragraph.lines.iter().enumerate().map(|(number, line)| {
        let room = width - paragraph.line_width(number);
        let indent = match side {
            Side::Left => 0.0,
            Side::Middle => room / 2.0,
            Side::Right => room,
        };
        Mark::Line { baseline: [left + indent, top + paragraph.baseline(number)], line: line.clone(), style: paragraph.style }
    });
    places.collect()
}

/// A text that was made to fit one line, from `left`, on this baseline.
pub(super) fn label(fonts: &Fonts, text: &str, [left, baseline]: [f32; 2], size: f32, color: [u8; 3]) -> Result<Mark, PrintFault> {
    Ok(Mark::Line { baseline: [left, baseline], line: text::set(fonts, Face::Form, text)?, style: Style::fixed(Face::Form, size, color) })
}

/// A straight line.
pub(super) fn rule(from: [f32; 2], to: [f32; 2], color: [u8; 3], width: f32) -> Mark {
    let mut path = PathBuilder::new();
    path.move_to(rounded(from[0]), rounded(from[1]));
    path.line_to(rounded(to[0]), rounded(to[1]));
    Mark::Path { path: path.finish().expect("two points are a path"), drawn: Drawn::Stroked(color, width), place: None }
}

/// A rectangle from its upper left corner.
pub(super) fn rectangle([left, top]: [f32; 2], [width, height]: [f32; 2], drawn: Drawn) -> Mark {
    let mut path = PathBuilder::new();
    path.push_rect(Rect::from_xywh(left, top, width, height).expect("a rectangle on the page has a size"));
    Mark::Path { path: path.finish().expect("a rectangle is a path"), drawn, place: None }
}
