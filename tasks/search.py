"""A picture, words or both to ranked parts; it only reads.

Pictures and words are two kinds of evidence, and neither excludes a part:

    score = (1 - WORDS) * seen + WORDS * said        with both; `seen` alone, or `said` alone, with one

`seen` is the cosine of the query with the part's most similar picture, of the query as it is or of the object cut
out of it (`tasks.cutout`), whichever is more alike; a mean over the query's pictures. A part that is not among the
leading ones counts like the last of them. Where the catalogue has shape templates, `seen` of the leading parts is that
and how well their shapes fit the object, together (`tasks.templates.fusion`).
`said` is the share of the query's words that are said of the part (`tasks.words`); where the model has learned words,
what the share leaves open is filled up to MEANT by the cosine of the text with the part's most similar picture: a part
that nobody described is found by how it looks, and of two that are described alike the one that looks so comes first.
Scores lie between 0 and 1.

Whether the object is in the catalogue at all is asked of the pictures alone: `seen` of the part that looks most
alike, beside the threshold that was calibrated with parts left out when the catalogue went live. It was calibrated
with one picture; a mean over several strays less to both sides, so their errors are not more than those of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
from pydantic import Field

from blocks.catalogue import Catalogue
from tasks.records import Bytes, Record
from tasks.templates.fusion import LEADING
from tasks.templates.leading import Pose, Weighed, pose, weighed
from tasks.templates.shelf import TABLE, outdated
from tasks.words import coverage

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pyarrow as pa
    from lancedb.table import Table
    from numpy.typing import NDArray

    from blocks.catalogue import Served
    from tasks.embed import Embedder

WORDS: Final = 0.3  # share of the words in a query that has both: less loses recall (measured without shapes)
MEANT: Final = 0.4  # how much of what no word says a look can say: what is written is surer than what is seen
_PICTURES: Final = 8  # rows that are taken for each wanted part at first: a part has many pictures
_CANDIDATES: Final = 1000  # parts that the index of the words hands on
_PROBES: Final = 128  # partitions that are read of a vector index; twice the rows are compared exactly

Kind = Literal["view", "variant", "photo", "text", "words"]
Parts = dict[str, str]  # geometries of the active parts, by number; empty for one without CAD


class Hit(Record):
    """A part that was found, and what spoke for it most."""

    rank: int = Field(ge=1, description="Place in the list, from 1.")
    part: str = Field(description="Number of the part.")
    name: str = Field(description="Name of the part.")
    score: float = Field(ge=0, le=1, description="How much speaks for it; 1 is the same picture and every word.")
    source: Kind = Field(description="What spoke for it most: a kind of picture, or its words.")
    image: str = Field(description="Id of the picture that is most alike; of its first one if words alone spoke.")
    below: bool = Field(False, description="Whether it looks less alike than a part of the catalogue does.")
    shape: float | None = Field(None, description="How well its shape fits, at most 1; null where it was not compared.")
    pose: Pose | None = Field(None, description="How it lies in the picture; null where no shape was compared.")


class Findings(Record):
    """What was found, and whether what the pictures show is among it."""

    hits: tuple[Hit, ...] = Field(description="The parts, best first.")
    likeness: float | None = Field(description="How alike the part is that looks most alike; null without a picture.")
    threshold: float | None = Field(description="Least likeness of a part of the catalogue; null where nobody knows.")

    @property
    def in_catalogue(self) -> bool | None:
        """Whether the object is in the catalogue; None without a picture, or where no threshold is known."""
        return None if self.likeness is None or self.threshold is None else self.likeness >= self.threshold


class Likeness(NamedTuple):
    """How alike a part's most similar picture is (a cosine), and which picture that is; `weighed` with its shape."""

    cosine: float
    kind: str
    image: str
    weighed: Weighed | None = None

    @property
    def value(self) -> float:
        """How alike the part is, by all that pictures say."""
        return self.weighed.score if self.weighed else self.cosine


Likenesses = dict[str, Likeness]


def search(catalogue: Catalogue, embedder: Embedder, pictures: Sequence[Bytes], text: str, top: int) -> Findings:
    """The `top` active parts that `pictures` (all of one object) and `text` speak for, best first.

    Reads what is live, from beginning to end, whatever a run writes meanwhile. `pictures` are (h, w, 3) uint8 of
    any size. Raises ValueError with a sentence when nothing is asked for, or when the catalogue holds no vectors of
    this embedder.
    """
    from lancedb.expr import col, lit

    if not pictures and not text.strip():
        raise ValueError("There is nothing to search for: give a picture, words, or both.")
    there = catalogue.served()
    rows = there.read("parts", ("part", "geometry"), col("status") == lit("active"))
    parts: Parts = dict(zip(*(rows[name].to_pylist() for name in ("part", "geometry")), strict=True))
    single = len(pictures) == 1 and not text.strip() and TABLE not in there.tables()
    wanted = top if single else max(top, LEADING)
    seen: Likenesses = {}
    if pictures:
        table = _live(there, embedder)
        looks = embedder.looks(pictures)
        near = [[nearest(table, one, wanted, parts, there.kinds) for one in some] for some in looks]
        seen = _shaped(there, pictures, _fused([_either(some) for some in near]), parts)
    said = _said(there, embedder, text, parts, wanted) if text.strip() else {}
    return Findings(
        hits=tuple(_hits(there, seen, said, top)),
        likeness=_share(max((one.value for one in seen.values()), default=0.0)) if pictures else None,
        threshold=_threshold(there, seen),
    )


def _threshold(there: Served, seen: Likenesses) -> float | None:
    """The threshold, where what was seen is scored as when it was calibrated: with shapes, if there were some then."""
    compared = any(one.weighed is not None and one.weighed.shape is not None for one in seen.values())
    return there.threshold if compared or not outdated(there) else None


def nearest(
    table: Table,
    vector: NDArray[np.float32],
    wanted: int,
    parts: Collection[str],
    kinds: Collection[str] | None = None,
) -> Likenesses:
    """The most similar picture of each of the `wanted` parts that are most like `vector`.

    Only of `parts` (retired ones keep their vectors) and only pictures of `kinds`, where some are named. Looks at
    more rows until there are enough parts; when that is all of them, an index is passed by: it would leave some out.
    """
    rows = table.count_rows()
    limit = min(rows, wanted * _PICTURES)
    while True:
        found = alike(table, vector, limit, kinds)
        best: Likenesses = {}
        for image, part, kind, distance in zip(*(column.to_pylist() for column in found.columns), strict=True):
            if part in parts and part not in best and len(best) < wanted:
                best[part] = Likeness(cosine=1 - distance, kind=kind, image=image)
        if len(best) >= wanted or limit == rows:
            return best
        limit = min(rows, limit * 4)


def alike(table: Table, vector: NDArray[np.float32], limit: int, kinds: Collection[str] | None = None) -> pa.Table:
    """The `limit` pictures of `kinds` (all kinds without) that are most like `vector` (d,), nearest first.

    Columns id, part, kind and _distance (one less the cosine).
    """
    from lancedb.expr import col

    query: Any = table.search(vector, vector_column_name="vector")
    query = query.distance_type("cosine").limit(max(limit, 1))
    if kinds is not None:
        query = query.where(col("kind").isin(sorted(kinds)))
    everything = limit >= table.count_rows()
    query = query.bypass_vector_index() if everything else query.nprobes(_PROBES).refine_factor(1)
    found = query.select(["id", "part", "kind", "_distance"]).to_arrow()
    return found.sort_by([("_distance", "ascending"), ("id", "ascending")])


def _live(there: Served, embedder: Embedder) -> Table:
    """The vectors that searches read, when they are this embedder's."""
    if not there.vectors:
        raise ValueError("This catalogue has no pictures to compare with yet: onboard the customer first.")
    if there.vectors != embedder.table:
        raise ValueError(f"This catalogue was not embedded with {embedder.name}: onboard the customer again.")
    return there.table(there.vectors)


def _either(looks: Sequence[Likenesses]) -> Likenesses:
    """One likeness per part from one per look at the same picture: the better one."""
    every = sorted(((part, one) for found in looks for part, one in found.items()), key=lambda pair: pair[1].cosine)
    return dict(every)


def _fused(several: Sequence[Likenesses]) -> Likenesses:
    """One likeness per part from one per picture: the mean cosine, with the picture that is most alike.

    A part that is not among the leading ones of a picture counts there like the last of them.
    """
    if len(several) == 1:
        return several[0]
    floors = [min((one.cosine for one in found.values()), default=0.0) for found in several]
    fused = {}
    for part in dict.fromkeys(part for found in several for part in found):
        best = max((found[part] for found in several if part in found), key=lambda one: one.cosine)
        cosines = [found[part].cosine if part in found else floor for found, floor in zip(several, floors, strict=True)]
        fused[part] = best._replace(cosine=float(np.mean(cosines)))
    return fused


def _shaped(there: Served, pictures: Sequence[Bytes], seen: Likenesses, parts: Parts) -> Likenesses:
    """The same parts, their shapes compared as well."""
    found = weighed(there, pictures, {part: one.cosine for part, one in seen.items()}, parts)
    return {part: one._replace(weighed=found[part]) for part, one in seen.items()}


def _said(there: Served, embedder: Embedder, text: str, parts: Parts, wanted: int) -> dict[str, float]:
    """How much of `text` is said of each part, 0 to 1; parts of which nothing is said are left out."""
    candidates = _candidates(there, text, parts)
    shares = coverage(text, list(candidates.values()))
    said = {part: float(share) for part, share in zip(candidates, shares, strict=True) if share > 0}
    if embedder.words and there.vectors == embedder.table:
        table = there.table(there.vectors)
        for part, meant in nearest(table, embedder.texts([text])[0], wanted, parts, there.kinds).items():
            share = said.get(part, 0.0)
            said[part] = share + (1 - share) * MEANT * max(meant.cosine, 0.0)
    return said


def _candidates(there: Served, text: str, parts: Parts) -> dict[str, str]:
    """Words of the parts that are worth a closer look: all of them, or those that the words' index finds."""
    from lancedb.query import MatchQuery

    if not parts:
        return {}
    table = there.table("parts")
    if any(index.index_type == "FTS" and index.columns == ["words"] for index in table.list_indices()):
        asked: Any = MatchQuery  # a dataclass of pydantic's, whose defaults mypy does not see
        query = table.search(asked(text, "words"), query_type="fts").limit(_CANDIDATES)
        rows = query.select(["part", "words", "_score"]).to_list()
    else:
        rows = there.rows("parts", ("part", "words"))
    return {row["part"]: row["words"] or "" for row in rows if row["part"] in parts}


def _hits(there: Served, seen: Likenesses, said: Mapping[str, float], top: int) -> list[Hit]:
    """The best parts of both kinds of evidence, ranked."""
    share = WORDS if seen and said else float(not seen)
    last = min((one.value for one in seen.values()), default=0.0)
    values = {part: seen[part].value if part in seen else last for part in {**seen, **said}}
    scores = {part: (1 - share) * value + share * said.get(part, 0.0) for part, value in values.items()}
    best = sorted(scores, key=lambda part: (-scores[part], part))[:top]
    known = _known(there, best)
    first = _first_pictures(there, [part for part in best if part not in seen])
    hits = []
    for rank, part in enumerate(best, start=1):
        one = seen.get(part) or Likeness(cosine=0.0, kind="words", image=first.get(part, ""))
        hit: dict[str, Any] = {
            "score": _share(scores[part]),
            "source": "words" if said.get(part, 0.0) > one.value else one.kind,
            "image": one.image,
            "below": bool(seen) and there.threshold is not None and _share(values[part]) < there.threshold,
            "shape": one.weighed.shape if one.weighed else None,
            "pose": pose(one.weighed, known[part]["size_mm"]) if one.weighed else None,
        }
        hits.append(Hit(rank=rank, part=part, name=known[part]["name"] or "", **hit))
    return hits


def _known(there: Served, some: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Names of those parts, and their sizes in mm where these are known."""
    from lancedb.expr import col

    rows = there.rows("parts", ("part", "name", "size_mm"), col("part").isin(list(some) or [""]))
    return {row["part"]: row for row in rows}


def _share(score: float) -> float:
    return min(max(score, 0.0), 1.0)


def _first_pictures(there: Served, parts: Sequence[str]) -> dict[str, str]:
    """Id of a picture to show for each of `parts`: a view before a photograph, always the same one."""
    from lancedb.expr import col, lit

    if not parts:
        return {}
    wanted = col("part").isin([lit(part) for part in parts]) & (col("accepted") == lit(value=True))
    rows = there.rows("images", ("id", "part", "kind", "place"), wanted)
    order = {"view": 0, "photo": 1, "variant": 2, "text": 3}
    rows.sort(key=lambda row: (order.get(row["kind"], len(order)), row["place"] or 0, row["id"]), reverse=True)
    return {row["part"]: row["id"] for row in rows}
