"""What things are made of, as the studio's light sees it, and how people write it."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

from tasks.records import Colour, Part, Record

Grain = Literal["", "brushed", "cast"]


class Look(Record):
    """How a surface takes the light.

    `base` is linear reflectance: of a metal its mirror colour, else its body colour. `relief` is how
    deep the tool's marks are, `coat` the strength of a clear, smooth layer on top.
    """

    name: str
    base: Colour
    metallic: float = 0.0
    roughness: float = 0.5
    grain: Grain = ""
    relief: float = 0.0
    coat: float = 0.0


def metal(name: str, base: Colour, roughness: float, relief: float, grain: Grain = "brushed") -> Look:
    """Bare metal."""
    return Look(name=name, base=base, metallic=1.0, roughness=roughness, grain=grain, relief=relief)


def plastic(name: str, base: Colour, roughness: float = 0.42, coat: float = 0.0, relief: float = 0.0) -> Look:
    """Plastic, rubber or paint of a colour."""
    return Look(name=name, base=base, roughness=roughness, coat=coat, relief=relief, grain="cast" if relief else "")


MATERIALS: dict[str, Look] = {
    made.name: made
    for made in (
        metal("brushed steel", (0.50, 0.505, 0.51), 0.34, 0.10),
        metal("polished steel", (0.62, 0.61, 0.59), 0.13, 0.02),
        metal("aluminium", (0.80, 0.81, 0.82), 0.36, 0.07),
        metal("brass", (0.80, 0.62, 0.26), 0.24, 0.05),
        metal("bronze", (0.62, 0.40, 0.20), 0.32, 0.06),
        metal("copper", (0.88, 0.50, 0.36), 0.24, 0.05),
        metal("zinc", (0.60, 0.63, 0.68), 0.40, 0.03),
        metal("chrome", (0.60, 0.61, 0.62), 0.05, 0.0, ""),
        metal("titanium", (0.46, 0.43, 0.39), 0.38, 0.06),
        metal("black oxide", (0.085, 0.087, 0.093), 0.36, 0.04),
        metal("cast iron", (0.24, 0.235, 0.23), 0.56, 0.20, "cast"),
        plastic("rubber", (0.032, 0.032, 0.034), 0.46, relief=0.05),
        plastic("abs", (0.62, 0.61, 0.58), 0.40),
        plastic("nylon", (0.66, 0.63, 0.55), 0.50),
        plastic("pom", (0.74, 0.74, 0.72), 0.34),
        plastic("pla", (0.42, 0.43, 0.45), 0.46),
        plastic("petg", (0.42, 0.43, 0.45), 0.26, 0.5),
        plastic("polycarbonate", (0.45, 0.47, 0.50), 0.18, 0.6),
        plastic("acrylic", (0.58, 0.62, 0.64), 0.10, 0.9),
        plastic("polypropylene", (0.62, 0.63, 0.62), 0.50),
        plastic("polyethylene", (0.70, 0.71, 0.70), 0.48),
        plastic("pvc", (0.30, 0.32, 0.34), 0.38),
        plastic("ptfe", (0.78, 0.78, 0.77), 0.46),
        plastic("peek", (0.42, 0.32, 0.20), 0.44),
        plastic("polyurethane", (0.55, 0.36, 0.08), 0.40, 0.3),
        plastic("epoxy glass", (0.10, 0.22, 0.07), 0.36),
        plastic("ceramic", (0.74, 0.73, 0.70), 0.22, 0.5),
        plastic("wood", (0.42, 0.25, 0.12), 0.55),
        plastic("paint", (0.50, 0.50, 0.50), 0.36, 0.35),
        plastic("grey", (0.36, 0.365, 0.375), 0.44),
    )
}

# the first pattern that is found decides: coatings stand before what they cover, alloys before their base
WORDS: tuple[tuple[str, str], ...] = (
    # first: paint hides what is under it
    ("paint", r"(?<!un)(paint|lackiert)|powder[- ]?coat|pulverbesch|verniciat|peint|pintad|lacquer|enamel"),
    ("rubber", r"rubber|gummi|caoutchouc|gomma|\bgoma\b|caucho|borracha|kautschuk|neopren|elastom|\b[xh]?nbr\b|резин"),
    ("rubber", r"\b(epdm|fkm|fpm|viton|sbr|vmq|mvq|silicone?|silikon|tpu|tpe|buna|perbunan)\b"),
    ("polished steel", r"chrom(e|ium)?[- ]?nickel|\bcr-?ni\b"),
    ("black oxide", r"black[- ]?oxid|bruniert|bruenier|burnished|blackened|schwarzoxid|brunit|brunissage|pavonad"),
    ("chrome", r"\bchrome?d?\b|verchromt|hartchrom|chrome[- ]?plat|cromad[oa]|cromat[oa]\b"),
    ("zinc", r"verzinkt|galvani[sz]|zinc|\bzink|\bzn\b|cincad|zamak|\bzama\b|znal|nickel|\bfe/zn|цинк|镀锌"),
    (
        "polished steel",
        r"stainless|edelstahl|rostfrei|inox|nerez|rustfri|roestvast|\brvs\b|нерж|不锈|ステンレス",
    ),
    ("polished steel", r"\b1[.]4[0-9]{3}\b|\bx[0-9]{1,3} ?cr|\ba[24](-[5678]0)?\b|\b17-4 ?ph\b|\bv[24]a\b|\bpolished"),
    ("polished steel", r"\b((aisi|sus|ss) ?-?)?(3(01|02|03|04|09|10|16|17|21|47)|4(10|16|20|30|31|40))[lc]?\b"),
    ("cast iron", r"cast[- ]iron|gusseisen|grauguss|spharoguss|sphaeroguss|\bfonte\b|\bghisa\b|(hierro|ferro) fundido"),
    (
        "cast iron",
        r"\b(gg|ggg|gjl|gjs|en-gjl|en-gjs)[- ]?[0-9]{2,3}|чугун|铸铁|鋳鉄|ductile iron|gietijzer|zeliwo|litina",
    ),
    ("brass", r"\bbrass|messing|laiton|ottone|\blaton\b|\blatao|cuzn|\bms ?[56][0-9]\b|\bcw6[0-9]{2}n|mosiadz"),
    ("brass", r"латун|黄铜|真鍮"),
    ("bronze", r"bronz|\bcusn|\brg ?[57]\b|\bcual|gunmetal|rotguss|бронз|青铜"),
    ("copper", r"copper|kupfer|cuivre|\brame\b|\bcobre|\bkoper\b|\bcu\b|\be-cu|медь|медн|\bmiedz|紫铜"),
    ("titanium", r"titan|\bti-?6al|титан"),
    ("epoxy glass", r"\bfr-?4\b|\bg-?10\b|\bgfk\b|epoxy"),
    ("ceramic", r"ceramic|keramik|ceramique|ceramica|porzellan|porcelain|al2o3|zirconia|zro2|alumina\b"),
    ("ptfe", r"\bptfe\b|teflon"),
    ("peek", r"\bpeek\b"),
    ("petg", r"\bpet-?g?\b"),
    ("abs", r"\b(m?abs|asa|pc[/+ -]?abs)\b|acrylnitril|acrylonitril"),
    ("acrylic", r"acryl|plexi|\bpmma\b|perspex|acrilic|metacril"),
    ("polycarbonate", r"pol[yi]carbonat|\bpc\b|makrolon|lexan"),
    ("nylon", r"nylon|nailon|pol[yi]a[mn]?mid|poliammid|\bpa ?-?(6|66|11|12|46)?([- /.]?(6|gf|cf|g) ?[0-9]*)?\b"),
    ("pom", r"\bpom(-[ch])?\b|delrin|acetal|hostaform|polyoxymethylen"),
    ("pla", r"\bpla\b|polylacti|polymilchs"),
    ("polypropylene", r"pol[yi]prop|\bpp\b"),
    ("polyethylene", r"polyeth?yl|polietil|\b(hd|ld|uhmw)?-?pe(-(hd|ld|uhmw))?\b|\bpe ?[0-9]{3,4}\b"),
    ("pvc", r"\b[uc]?-?pvc\b|vinylchlorid"),
    ("polyurethane", r"\bpur?\b|pol[yi]uret|vulkollan"),
    ("wood", r"\bwood|\bholz|\bbois\b|legno|madera|plywood|sperrholz|\bmdf\b|\boak\b|eiche|buche|birch|birke"),
    ("aluminium", r"alumin|\balu\b|\bal ?(mg|si|cu|zn|mn)|\ben ?-?aw|\bdural|\b3[.][1234][0-9]{3}\b|алюм|铝|アルミ"),
    ("aluminium", r"\b(2017|2024|5005|5052|5083|5754|6005|6060|6061|6063|6082|7020|7050|7075)a?(-?t[0-9]+)?\b|\bal\b"),
    (
        "brushed steel",
        r"steel|stahl|\bacier|acciaio|\bacero|\baco\b|\bstaal|\bstal\b|\bocel|сталь|钢|鋼|\biron\b|eisen\b|\bfer?\b",
    ),
    (
        "brushed steel",
        r"\bst ?-?[3-7][0-9](-[0-9])?\b|\bs ?[2346][0-9]{2} ?[a-z0-9+]*\b|\bc ?[1-9][0-9][ekrs]?\b|\bss400\b",
    ),
    ("brushed steel", r"\b1[.][0-35-9][0-9]{3}\b|\b[0-9]{2,3} ?(cr|mn|ni|si)[a-z0-9 ]*|\b(8|10|12)[.][89]\b"),
    ("brushed steel", r"\b(dc|dd)0[1-6]\b|\baisi ?[0-9]{4}\b|\bhss\b|\bscm ?[0-9]|\bq ?(235|345)|\bmetal"),
    ("abs", r"plasti[ck]|kunststoff|plastique|plastica|plastico|polymer|пластик|塑料|\bresin|harz\b"),
    ("polished steel", r"\bsilver\b|\bsilber\b|\bargent"),
    ("brass", r"\bgold"),
    ("acrylic", r"\bglass?\b|\bverre\b|vetro|vidrio|стекл"),
)
DYED = {"rubber", "abs", "nylon", "pom", "pla", "petg", "polycarbonate", "acrylic", "polypropylene", "polyethylene"}
DYED |= {"pvc", "ptfe", "peek", "polyurethane", "paint", "ceramic", "wood", "grey"}
ANODISED = {"aluminium", "titanium"}
DYES: tuple[tuple[str, Colour], ...] = (
    (
        r"black|schwarz|\bnoire?\b|\bner[oa]\b|\bnegr[oa]\b|preto|zwart|черн|黑|\bgf ?[0-9]{2}\b|\bcf\b",
        (0.032, 0.032, 0.034),
    ),
    (r"white|weiss|weiß|blanc|bianc|branc|\bwit\b|бел|白", (0.76, 0.76, 0.74)),
    (r"\bgr[ae]y|\bgrau|\bgris\b|grigi|cinza|grijs|сер[ыа]|灰|silver|silber", (0.27, 0.275, 0.285)),  # noqa: RUF001
    (r"\bred\b|\brot\b|rouge|ross[oa]|\brojo|vermelh|\brood\b|красн|红", (0.55, 0.025, 0.02)),
    (r"orange|arancio|naranja|laranja|oranje|оранж|橙", (0.80, 0.19, 0.015)),
    (r"yellow|gelb|jaune|giall|amarill|amarel|geel|желт|黄色", (0.80, 0.52, 0.03)),
    (r"green|\bgrun\b|gruen|\bvert\b|verde|groen|зелен|绿", (0.04, 0.30, 0.07)),
    (r"blue|\bblau|\bbleu|\bblu\b|azul|blauw|син|蓝", (0.02, 0.09, 0.45)),
    (r"brown|braun|marron|castan|bruin|коричн|棕", (0.15, 0.065, 0.03)),
    (r"beige|ivory|elfenbein|cream|creme", (0.66, 0.56, 0.40)),
)


def look(part: Part) -> Look:
    """How the part's surface looks: by its material's words, else by its file's colour, else plain grey.

    A colour in the words ("ABS schwarz", "anodised red") or in the file dyes what can be dyed; bare metal
    keeps its own.
    """
    words = plain(part.material)
    found = named(words)
    if found is None:
        return MATERIALS["grey"] if part.colour is None else painted(part.colour)
    made = MATERIALS[found]
    anodised = found in ANODISED and re.search(r"anodi[sz]|eloxiert|eloxal|elox\b|anodizz", words) is not None
    dye = dyed(words)
    if dye is not None and (found in DYED or anodised):
        return made.replace(base=tuple(0.1 + 0.8 * share for share in dye) if anodised else dye)
    if part.colour is not None and found in DYED - {"rubber", "wood"}:
        return made.replace(base=body(part.colour))
    return made


def plain(text: str) -> str:
    """Text in small letters without accents, to match words of many languages."""
    split = unicodedata.normalize("NFKD", text.casefold())
    return "".join(letter for letter in split if not unicodedata.combining(letter)).replace("_", " ")


@lru_cache(maxsize=4096)
def named(words: str) -> str | None:
    """Name in `MATERIALS` that plain `words` speak of, None when they say nothing."""
    return next((name for name, pattern in WORDS if re.search(pattern, words)), None)


def dyed(words: str) -> Colour | None:
    """Linear colour that plain `words` speak of."""
    return next((colour for pattern, colour in DYES if re.search(pattern, words)), None)


def painted(colour: Colour) -> Look:
    """Painted or plastic surface of the sRGB `colour` that a file gives."""
    return MATERIALS["grey"].replace(name="coloured", base=body(colour))


def body(colour: Colour) -> Colour:
    """Linear body colour of an sRGB `colour`, held within what paint can do: never quite black, never a mirror."""
    linear = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4  # IEC 61966-2-1
        for part in (min(max(part, 0.0), 1.0) for part in colour)
    )
    red, green, blue = (0.02 + 0.74 * part for part in linear)
    return red, green, blue
