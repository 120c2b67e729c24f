"""What a pickle says, without a pickle's power: no name is looked up, nothing is called or allocated by a number.

Python's own unpickler imports and calls what the file names. Here a class or function is only its `Name`, an object of
it an inert `Thing`, and the three functions of PyTorch that make tensors are understood as the views that they make.
"""

import pickletools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO, Any

MOST_STEPS = 2_000_000  # the largest DenseNet with its optimizer takes a tenth
_REBUILD = ("_rebuild_tensor", "_rebuild_tensor_v2")
_PARAMETER = ("_rebuild_parameter", "_rebuild_parameter_with_state")
_KEYS = (str, int, float, bool, type(None))


class PickleError(Exception):
    """The bytes are no pickle that PyTorch writes; the text says what is wrong, in the middle of a sentence."""


@dataclass(frozen=True)
class Name:
    """A class or a function that the pickle names."""

    module: str
    name: str


@dataclass(eq=False)
class Thing:
    """An object that was not made: what it was made by, of which arguments, its state, and its items if it has any."""

    made_by: object
    arguments: object = ()
    state: object = None
    items: dict[object, object] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The class's name, without its module; '' if it is unknown."""
        return self.made_by.name if isinstance(self.made_by, Name) else ""


@dataclass(frozen=True)
class Storage:
    """A block of `count` numbers: its type in PyTorch's word, such as 'FloatStorage', and its key in the file."""

    kind: str
    key: str
    count: int


@dataclass(frozen=True)
class TensorView:
    """A tensor: numbers of `storage` from `offset` on, with `shape` and `strides`, both counted in numbers."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class _Mark:
    """The only one is on the stack where a list of arguments begins."""


_MARK = _Mark()


def read_pickle(stream: IO[bytes]) -> Any:
    """The value of the pickle that begins at the stream's place, and the stream behind its end.

    Dictionaries, lists, tuples (sets are lists), text, bytes and numbers are Python's own; an entry of a dictionary
    whose key is none of these single values is left out.

    Raises:
        PickleError: no pickle, cut short, too long, or with operations that PyTorch does not write.
    """
    machine = _Machine()
    try:
        for step, (operation, argument, _) in enumerate(pickletools.genops(stream)):
            if step >= MOST_STEPS:
                raise PickleError(f"has more than {MOST_STEPS} steps")
            machine.do(operation.name, argument)
        return machine.result()
    except PickleError:
        raise
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, UnicodeError, OverflowError) as error:
        raise PickleError("is damaged or cut short") from error


class _Machine:
    """The stack machine of a pickle."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def do(self, operation: str, argument: Any) -> None:
        if operation in _IGNORED:
            return
        if operation in _PUSHED:
            self._stack.append(argument)
        elif operation in _MADE:
            self._stack.append(_MADE[operation]())
        elif operation in _TUPLES:
            self._stack.append(tuple(self._last(_TUPLES[operation])))
        elif operation in _STEPS:
            _STEPS[operation](self, argument)
        else:
            raise PickleError(f"has the operation {operation}, which PyTorch does not write")

    def result(self) -> Any:
        (value,) = self._stack
        return value

    def _last(self, count: int) -> list[Any]:
        """Take the last `count` values from the stack."""
        values = self._stack[len(self._stack) - count :]
        if len(values) != count or any(value is _MARK for value in values):
            raise PickleError("is damaged or cut short")
        del self._stack[len(self._stack) - count :]
        return values

    def _since_mark(self) -> list[Any]:
        for at in range(len(self._stack) - 1, -1, -1):
            if self._stack[at] is _MARK:
                values = self._stack[at + 1 :]
                del self._stack[at:]
                return values
        raise PickleError("is damaged or cut short")

    def _put(self, number: Any) -> None:
        self._memo[len(self._memo) if number is None else number] = self._stack[-1]

    def _get(self, number: Any) -> None:
        self._stack.append(self._memo[number])

    def _global(self, argument: Any) -> None:
        module, name = argument.split(" ", 1) if argument is not None else self._last(2)
        if not isinstance(module, str) or not isinstance(name, str):
            raise PickleError("is damaged or cut short")
        self._stack.append(Name(module, name))

    def _reduce(self, _: Any) -> None:
        made_by, arguments = self._last(2)
        self._stack.append(_reduced(made_by, arguments))

    def _new_object(self, _: Any) -> None:
        kind, arguments = self._last(2)
        self._stack.append(Thing(kind, arguments))

    def _build(self, _: Any) -> None:
        (state,) = self._last(1)
        if isinstance(self._stack[-1], Thing):
            self._stack[-1].state = state

    def _persistent(self, _: Any) -> None:
        (said,) = self._last(1)
        if isinstance(said, tuple) and len(said) >= 2 and said[0] == "module":  # a class beside its source
            self._stack.append(said[1])
            return
        if not (isinstance(said, tuple) and len(said) >= 5 and said[0] == "storage" and isinstance(said[1], Name)):
            raise PickleError("names a storage in a way that PyTorch does not")
        key, count = said[2], said[4]
        if not isinstance(key, str) or not isinstance(count, int):
            raise PickleError("names a storage in a way that PyTorch does not")
        self._stack.append(Storage(said[1].name, key, count))

    def _append(self, _: Any) -> None:
        self._extend(self._last(1))

    def _appends(self, _: Any) -> None:
        self._extend(self._since_mark())

    def _extend(self, values: list[Any]) -> None:
        if isinstance(self._stack[-1], list):
            self._stack[-1].extend(values)

    def _set_item(self, _: Any) -> None:
        self._update(self._last(2))

    def _set_items(self, _: Any) -> None:
        self._update(self._since_mark())

    def _update(self, values: list[Any]) -> None:
        target = self._stack[-1]
        items = target.items if isinstance(target, Thing) else target
        if not isinstance(items, dict):
            raise PickleError("is damaged or cut short")
        for key, value in zip(values[::2], values[1::2], strict=True):
            if isinstance(key, _KEYS):  # others might take forever to hash
                items[key] = value

    def _mark(self, _: Any) -> None:
        self._stack.append(_MARK)

    def _pop(self, _: Any) -> None:
        self._stack.pop()

    def _pop_mark(self, _: Any) -> None:
        self._since_mark()

    def _tuple(self, _: Any) -> None:
        self._stack.append(tuple(self._since_mark()))

    def _list(self, _: Any) -> None:
        self._stack.append(self._since_mark())

    def _dict(self, _: Any) -> None:
        values = self._since_mark()
        self._stack.append({})
        self._update(values)


def _reduced(made_by: object, arguments: Any) -> object:
    """What a function makes of its arguments if it is known, else the call itself."""
    if not isinstance(made_by, Name) or not isinstance(arguments, tuple):
        return Thing(made_by, arguments)
    if made_by.module == "torch._utils" and made_by.name in _REBUILD:
        return _view(*arguments[:4])
    if made_by.module == "torch._utils" and made_by.name in _PARAMETER:
        return arguments[0]
    if (made_by.module, made_by.name) == ("collections", "OrderedDict") and not arguments:
        return {}
    return Thing(made_by, arguments)


def _view(storage: Any, offset: Any, shape: Any, strides: Any) -> TensorView:
    numbers = (offset, *shape, *strides)
    if not isinstance(storage, Storage) or not all(isinstance(number, int) for number in numbers):
        raise PickleError("describes a tensor in a way that PyTorch does not")
    if len(shape) != len(strides) or len(shape) > 8:
        raise PickleError("describes a tensor in a way that PyTorch does not")
    return TensorView(storage, offset, tuple(shape), tuple(strides))


_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})
_PUSHED = frozenset(
    (
        *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
        *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
        *("BINSTRING", "SHORT_BINSTRING"),
    )
)
_MADE: Mapping[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_SET": list,
    "EMPTY_DICT": dict,
}
_TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_STEPS: Mapping[str, Callable[[_Machine, Any], None]] = {
    **dict.fromkeys(("BINPUT", "LONG_BINPUT", "MEMOIZE"), _Machine._put),
    **dict.fromkeys(("BINGET", "LONG_BINGET"), _Machine._get),
    **dict.fromkeys(("GLOBAL", "STACK_GLOBAL"), _Machine._global),
    "REDUCE": _Machine._reduce,
    "NEWOBJ": _Machine._new_object,
    "BUILD": _Machine._build,
    "BINPERSID": _Machine._persistent,
    "APPEND": _Machine._append,
    **dict.fromkeys(("APPENDS", "ADDITEMS"), _Machine._appends),
    "SETITEM": _Machine._set_item,
    "SETITEMS": _Machine._set_items,
    "MARK": _Machine._mark,
    "POP": _Machine._pop,
    "POP_MARK": _Machine._pop_mark,
    "TUPLE": _Machine._tuple,
    **dict.fromkeys(("LIST", "FROZENSET"), _Machine._list),
    "DICT": _Machine._dict,
}
