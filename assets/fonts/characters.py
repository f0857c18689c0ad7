"""Which characters each shipped font keeps: writes common.txt, further.txt, rare.txt and latin.txt for pyftsubset.

Usage: characters.py NotoSerifCJK-Regular.ttc HanaMinB.ttf NotoSerif-Regular.ttf Unihan_IRGSources.txt.bz2
"""
import bz2
import sys
from fontTools.ttLib import TTFont

SIMPLIFIED_CHINESE = 2  # its number in the collection


def span(*bounds):
    return {code for first, last in bounds for code in range(first, last + 1)}


def gb2312():
    pairs = (bytes([row, cell]) for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    return {ord(text) for pair in pairs if (text := pair.decode("gb2312", "ignore"))}


noto = set(TTFont(sys.argv[1], fontNumber=SIMPLIFIED_CHINESE, lazy=True).getBestCmap())
hana = set(TTFont(sys.argv[2], lazy=True).getBestCmap())
serif = set(TTFont(sys.argv[3], lazy=True).getBestCmap())

# Soft hyphens, zero widths and marks that turn the direction of writing have no place in a certificate.
invisible = {0xAD} | span((0x200B, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F))
latin = span((0x20, 0x7E), (0xA1, 0x17F), (0x1CD, 0x1DC), (0x1F9, 0x1F9), (0x218, 0x21B), (0x259, 0x259), (0x1E00, 0x1EFF))
marks = span((0x2010, 0x2027), (0x2030, 0x205E), (0x2160, 0x217B), (0x2190, 0x2193), (0x2460, 0x2473), (0x3001, 0x302F), (0x3041, 0x3096),
             (0x30A1, 0x30FE), (0x3105, 0x312F), (0xFF01, 0xFF5E), (0xFFE0, 0xFFE6))
marks |= {0xD7, 0xF7, 0x20AC, 0x2103, 0x2116, 0x2212, 0x221E, 0x2260, 0x2264, 0x2265, 0x25A0, 0x25A1, 0x25CB, 0x25CF, 0x2713}
han = span((0x2E80, 0x2FDF), (0x3007, 0x3007), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x3134F))

text = ((latin | marks | han) & noto) - invisible
common = ((latin | marks | gb2312()) & noto) - invisible
# Extensions C, D and E whole; of extension B the parts around the radicals woman, sun, jade and metal, which names use most.
blocks = span((0x2A700, 0x2CEAF), (0x216A5, 0x21944), (0x2313C, 0x23358), (0x248E9, 0x24AEA), (0x2893E, 0x28C56))
# What China gave to Unicode from anything but the great dictionaries of old forms: the identity cards (GIDC), GBK, Cihai, encyclopedias.
SOURCES = {"GIDC", "GBK", "GCH", "GCY", "GFC", "GFZ", "GU", "GZJW", "G3"}
lines = (line.split("\t") for line in bz2.open(sys.argv[4], "rt") if "\tkIRG_GSource\t" in line)
given = {int(code[2:], 16) for code, _, source in lines if source.split("-")[0] in SOURCES}
rare = ((blocks | given) & hana) - text
other_latin = (span((0xA1, 0x24F), (0x2B0, 0x2BF), (0x1E00, 0x1EFF)) & serif) - text - invisible

for name, codes in (("common", common), ("further", text - common), ("rare", rare), ("latin", other_latin)):
    with open(name + ".txt", "w") as file:
        file.write("\n".join(f"{code:04X}" for code in sorted(codes)))
    print(name, len(codes))
