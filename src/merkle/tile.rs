//! Tiles: 256 hashes of one level together, with the addresses of C2SP tlog-tiles.

use std::fmt;
use std::str::FromStr;

/// Hashes of a full tile.
pub const WIDTH: u64 = 256;
/// Levels of the tree in one level of tiles.
pub const HEIGHT: u32 = 8;
/// Levels of tiles that an address may name (tlog-tiles: 0 to 63).
const LEVEL_MAX: u8 = 63;

/// What a tile holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Content {
    /// Hashes of this level: level 0 are the leaves, each hash of level `n + 1` is the root of a full tile of level `n`.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// The address of a tile: `<L>/<N>[.p/<W>]` or `entries/<N>[.p/<W>]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TileAddress {
    pub content: Content,
    pub index: u64,
    /// Hashes in it: 256, or fewer at the right end.
    pub width: u64,
}

/// How many hashes a level of tiles has in a tree of `size` leaves.
pub fn hashes_at(level: u8, size: u64) -> u64 {
    size.checked_shr(u32::from(level) * HEIGHT).unwrap_or(0)
}

impl TileAddress {
    /// Whether a tree of `size` leaves has this tile. A full tile stays, and so does every partial one that it has grown out of.
    pub fn is_within(&self, size: u64) -> bool {
        let level = match self.content {
            Content::Hashes(level) => level,
            Content::Entries => 0,
        };
        self.index.checked_mul(WIDTH).and_then(|from| from.checked_add(self.width)).is_some_and(|end| end <= hashes_at(level, size))
    }
}

impl fmt::Display for TileAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.content {
            Content::Hashes(level) => write!(f, "{level}/")?,
            Content::Entries => f.write_str("entries/")?,
        }
        let mut groups = vec![format!("{:03}", self.index % 1000)];
        let mut rest = self.index / 1000;
        while rest > 0 {
            groups.push(format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        groups.reverse();
        f.write_str(&groups.join("/"))?;
        if self.width < WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// A text that is not the address of a tile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the address of a tile")]
pub struct NotATile;

impl FromStr for TileAddress {
    type Err = NotATile;

    fn from_str(text: &str) -> Result<Self, NotATile> {
        let (content, rest) = text.split_once('/').ok_or(NotATile)?;
        let content = match content {
            "entries" => Content::Entries,
            level => Content::Hashes(level.parse().ok().filter(|number| *number <= LEVEL_MAX).ok_or(NotATile)?),
        };
        let (path, width) = match rest.split_once(".p/") {
            Some((path, width)) => (path, width.parse().ok().filter(|width| (1..WIDTH).contains(width)).ok_or(NotATile)?),
            None => (rest, WIDTH),
        };
        let mut index: u64 = 0;
        for group in path.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            let number: u64 = digits.parse().map_err(|_| NotATile)?;
            index = index.checked_mul(1000).and_then(|index| index.checked_add(number)).ok_or(NotATile)?;
        }
        let address = TileAddress { content, index, width };
        // One address, one spelling.
        if address.to_string() == text { Ok(address) } else { Err(NotATile) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_written_as_the_specification_shows_them() {
        let tile = |level, index, width| TileAddress { content: Content::Hashes(level), index, width };
        for (address, text) in [
            (tile(0, 1_234_067, 256), "0/x001/x234/067"),
            (tile(1, 0, 5), "1/000.p/5"),
            (TileAddress { content: Content::Entries, index: 1000, width: 44 }, "entries/x001/000.p/44"),
        ] {
            assert_eq!(address.to_string(), text);
            assert_eq!(text.parse(), Ok(address));
        }
        for wrong in ["", "0", "0/0", "0/0000", "0/x000/001", "0/001.p/0", "0/001.p/256", "0/001.p/05", "64/000", "00/000", "0/-01", "0/+01", "entries/1", "0/x001", "a/000", "0/x999/x999/x999/x999/x999/x999/x999/999"] {
            assert_eq!(wrong.parse::<TileAddress>(), Err(NotATile), "{wrong}");
        }
    }

    #[test]
    fn a_tree_has_the_tiles_of_every_size_that_it_had() {
        let within = |text: &str, size| text.parse::<TileAddress>().unwrap().is_within(size);
        assert!(within("0/000.p/5", 300) && within("0/000", 300) && within("0/001.p/44", 300) && within("1/000.p/1", 300));
        assert!(!within("0/001.p/45", 300) && !within("0/001", 300) && !within("1/000.p/2", 300) && !within("2/000.p/1", 65_535));
    }
}
