"""Everything there is to study: the bundled cards and the user's own, opened without reading their text."""

from __future__ import annotations

from collections.abc import Iterator, KeysView, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, overload

from prep import paths
from prep.cards.cache import CardCache, Row, row_of
from prep.cards.card import STATUSES, Card, CardFaults, Face, Fault, Lang, Source
from prep.cards.fold import Haystack, haystack
from prep.cards.scan import CardFile, scan
from prep.errors import UsageError

if TYPE_CHECKING:
    from prep.cards.parse import Examined

_BATCH: Final = 500
"""Cards parsed between two writes to the cache: a first start that is interrupted goes on from there."""


def _read_card(path: Path) -> Examined:
    # Two thirds of the cost of opening the library would be importing the parser, which a warm cache never needs.
    from prep.cards.parse import read_card

    return read_card(path)


class Library:
    """Cards by id. A file that is broken is in `faults` and breaks nothing else.

    Later roots shadow earlier ones: a user's copy of a bundled card replaces it, and the bundled one serves again where
    the copy is broken or removed.
    """

    def __init__(self, roots: Sequence[Path], cache: CardCache) -> None:
        self.roots: tuple[Path, ...] = tuple(roots)
        self.faults: list[Fault] = []
        """What is wrong with single files, and ids that are taken twice; sorted by path and line."""

        self.cards: Mapping[str, Card]
        """Ordered by root, area and id; a card is built when it is asked for, its faces when they are."""

        self.generation = 0
        """Grows with every change, so that an index over the cards knows when it is stale."""

        self._cache = cache
        self._rows: dict[str, Row] = {}
        self._fresh: dict[str, dict[Lang, Face]] = {}  # path -> faces that the cache could not keep
        self._built: dict[str, Card] = {}
        self.cards = _Cards(self)

    @classmethod
    def load(cls, roots: Sequence[Path] | None = None, cache: Path | None = None) -> Library:
        """Open the cards below `roots`: bundled content, then the user's cards, by default.

        Args:
            roots: folders of `<area>/<id>.md`; one that does not exist holds no cards.
            cache: file of the parsed cards; `paths.cache_dir()/cards.sqlite` by default.
        """
        if roots is None:
            roots = (paths.content_dir(), paths.user_cards_dir())
        library = cls(roots, CardCache(cache or paths.cache_dir() / "cards.sqlite"))
        library.refresh()
        return library

    def refresh(self) -> None:
        """Look at the folders again; only files whose size or mtime changed are read."""
        self._rows, self._fresh, self._built = {}, {}, {}
        self.faults = []
        self.generation += 1
        for root in self.roots:
            files, faults = scan(root)
            self.faults += faults
            self._add_root(str(root), files)
        self.faults.sort(key=lambda fault: (str(fault.path), fault.line or 0))

    def ids(self) -> KeysView[str]:
        """The ids of all cards; costs nothing."""
        return self._rows.keys()

    def get(self, id_or_alias: str) -> Card | None:
        if id_or_alias in self._rows:
            return self._card(id_or_alias)
        current = self.aliases().get(id_or_alias)
        return self._card(current) if current is not None else None

    def aliases(self) -> dict[str, str]:
        """Former id -> id. An id that a card still has is not a former one."""
        return {
            alias: id_
            for id_, row in self._rows.items()
            if row.aliases
            for alias in row.list_of("aliases")
            if alias not in self._rows
        }

    def areas(self) -> list[str]:
        return sorted({row.area for row in self._rows.values()})

    def row(self, card_id: str) -> Row:
        """What is known of a card without building it: for filters over all of them."""
        return self._rows[card_id]

    def reload(self, card_id: str) -> Card:
        """Read a card's file again, after the editor; a copy that now shadows it is found too.

        Raises:
            UsageError: there is no such card.
            CardFaults: the file cannot be studied as it is now, or is gone; the library keeps what it had.
        """
        if card_id not in self._rows:
            raise UsageError(f"no card has the id {card_id}")
        old = self._rows[card_id]
        for file, root in self._places(old):
            path = Path(file.path)
            found = _read_card(path)
            self.faults = [fault for fault in self.faults if fault.path != path] + list(found.faults)
            if found.card is None:
                self.faults.sort(key=lambda fault: (str(fault.path), fault.line or 0))
                raise CardFaults(found.faults)
            row = row_of(file, root, found)
            self._rows[card_id] = row
            self._fresh[row.path] = dict(found.card.faces)
            self._built[card_id] = found.card
            self._cache.keep(root, [(row, found)])
            self.generation += 1
            return found.card
        raise CardFaults([Fault(Path(old.path), None, "the file is gone")])

    def haystacks(self) -> Iterator[tuple[str, Haystack]]:
        """Id and search text of every card, in the library's order."""
        cached = self._cache.haystacks(str(root) for root in self.roots)
        for id_, row in self._rows.items():
            text = cached.get(row.path) if row.path not in self._fresh else None
            yield id_, text if text is not None else haystack(self._card(id_))

    def faces(self, path: str) -> Mapping[Lang, Face]:
        """The faces of the card in `path`.

        Raises:
            CardFaults: the cache has lost them and the file has become unreadable since.
        """
        faces = self._fresh.get(path) or self._cache.faces(path)
        if faces is None:
            found = _read_card(Path(path))
            if found.card is None:
                raise CardFaults(found.faults)
            faces = self._fresh[path] = dict(found.card.faces)
        return faces

    def _add_root(self, root: str, files: Sequence[CardFile]) -> None:
        cached = self._cache.rows(root)
        stale: list[CardFile] = []
        current: dict[str, Row] = {}
        for file in files:
            row = cached.pop(file.path, None)
            if row is not None and row.size == file.size and row.mtime_ns == file.mtime_ns and row.is_whole():
                current[file.path] = row
            else:
                stale.append(file)
        for start in range(0, len(stale), _BATCH):
            batch = [
                (row_of(file, root, found), found)
                for file in stale[start : start + _BATCH]
                for found in [_read_card(Path(file.path))]
            ]
            current.update((row.path, row) for row, _ in batch)
            if not self._cache.keep(root, batch):
                self._fresh.update((row.path, dict(found.card.faces)) for row, found in batch if found.card is not None)
        if cached:
            self._cache.forget(cached)
        if stale:
            self._cache.forget_roots_gone()
        taken: dict[str, Row] = {}
        for file in files:
            row = current[file.path]
            if row.faults:
                self.faults += row.read_faults()
            if row.id is None:
                continue
            if row.id in taken:
                self.faults.append(Fault(Path(row.path), 1, f"the id {row.id} is taken by {taken[row.id].path}"))
                continue
            taken[row.id] = row
        self._rows.update(taken)

    def _places(self, row: Row) -> Iterator[tuple[CardFile, str]]:
        """Where the card lies now, the place that wins first; sizes are taken before anything is read."""
        own = Path(row.path)
        for root in reversed(self.roots):
            path = own if str(root) == row.root else root / row.area / own.name
            with suppress(OSError):
                stat = path.stat()
                yield CardFile(str(path), stat.st_size, stat.st_mtime_ns), str(root)

    def _card(self, card_id: str) -> Card:
        built = self._built.get(card_id)
        if built is None:
            row = self._rows[card_id]
            built = self._built[card_id] = Card(
                id=card_id,
                area=row.area,
                tags=row.list_of("tags"),
                level=row.level,
                origin=row.list_of("origin"),
                exercises=row.list_of("exercises"),
                aliases=row.list_of("aliases"),
                sources=_Sources(row),
                faces=_Faces(self, row.path),
                path=Path(row.path),
                status=next((status for status in STATUSES if status == row.status), "active"),
            )
        return built


class _Cards(Mapping[str, Card]):
    def __init__(self, library: Library) -> None:
        self._library = library

    def __getitem__(self, card_id: str) -> Card:
        return self._library._card(card_id)

    def __iter__(self) -> Iterator[str]:
        return iter(self._library.ids())

    def __len__(self) -> int:
        return len(self._library.ids())

    def __contains__(self, card_id: object) -> bool:
        return card_id in self._library.ids()


class _Faces(Mapping[Lang, Face]):
    """The two faces of a card, read at the first use."""

    __slots__ = ("_faces", "_library", "_path")

    def __init__(self, library: Library, path: str) -> None:
        self._library, self._path = library, path
        self._faces: Mapping[Lang, Face] | None = None

    def _read(self) -> Mapping[Lang, Face]:
        if self._faces is None:
            self._faces = self._library.faces(self._path)
        return self._faces

    def __getitem__(self, lang: Lang) -> Face:
        return self._read()[lang]

    def __iter__(self) -> Iterator[Lang]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())


class _Sources(Sequence[Source]):
    """The sources of a card, read at the first use: they are three quarters of the cost of building a card."""

    __slots__ = ("_row", "_sources")

    def __init__(self, row: Row) -> None:
        self._row = row
        self._sources: tuple[Source, ...] | None = None

    def _read(self) -> tuple[Source, ...]:
        if self._sources is None:
            try:
                self._sources = self._row.read_sources()
            except (ValueError, TypeError):  # a damaged cache
                card = _read_card(Path(self._row.path)).card
                self._sources = tuple(card.sources) if card is not None else ()
        return self._sources

    @overload
    def __getitem__(self, index: int) -> Source: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Source, ...]: ...
    def __getitem__(self, index: int | slice) -> Source | tuple[Source, ...]:
        return self._read()[index]

    def __len__(self) -> int:
        return len(self._read())
