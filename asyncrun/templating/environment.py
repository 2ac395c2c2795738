"""Jinja as playbooks know it: values keep their types, names are looked up lazily, and the sandbox is closed."""

from __future__ import annotations

import logging
import re
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from types import BuiltinMethodType
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.compiler import Frame
from jinja2.lexer import Lexer, Token
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.parser import Parser
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment, modifies_known_mutable

from asyncrun import errors
from asyncrun.templating.values import MISSING, OMIT, LazyDict, LazyList, Undefined, is_template, plain

_log = logging.getLogger(__name__)

MAX_LENGTH = 100_000_000      # characters or items that one multiplication in a template may make
MAX_POWER_BITS = 100_000      # bits of the number that one power in a template may make
MAX_RANGE = 10_000_000        # items of a range
_ESCAPE = re.compile(r"""\\(?P<next>[\s\S])""")
_ESCAPES = frozenset("\\'\"abfnrtvxuUN01234567\n")
LEXED = (
    "block_start_string", "block_end_string", "variable_start_string", "variable_end_string", "comment_start_string",
    "comment_end_string", "line_statement_prefix", "line_comment_prefix", "trim_blocks", "lstrip_blocks",
    "newline_sequence", "keep_trailing_newline",
)
EMBEDDING = frozenset({"lookup", "query", "q"})
# Where a text that is (part of) the value of an expression may stand in it.
WHOLE: Mapping[type[nodes.Node], tuple[str, ...]] = {
    nodes.List: ("items",), nodes.Tuple: ("items",), nodes.Dict: ("items",), nodes.Pair: ("value",),
    nodes.CondExpr: ("expr1", "expr2"), nodes.Or: ("left", "right"), nodes.And: ("left", "right"),
}
VIEWS = (KeysView, ValuesView, ItemsView)


def text(value: Any) -> str:
    """A value inside other text: nothing for None and what is omitted."""
    if type(value) is str:
        return value
    if value is None or value is OMIT:
        return ""
    return str(plain(value)) if isinstance(value, (dict, list, tuple, Iterator, *VIEWS)) else str(value)


def concat(parts: Iterable[Any]) -> Any:
    """A lone part keeps its value and type, no part is None, several are joined as text. None is no part."""
    found = [part for part in parts if part is not None]
    if len(found) == 1:
        return found[0]
    return "".join(map(text, found)) if found else None


def with_newlines(source: str, result: Any, newline: str = "\n") -> Any:
    """A text with at least as many ends of lines at its end as its template has: jinja drops one."""
    if not isinstance(result, str) or not source.endswith(("\n", "\r")):
        return result
    wanted, found = (each[len(each.rstrip("\r\n")):].count("\n") for each in (source, result))
    return result + newline * max(0, wanted - found)


class Overlay(Mapping[str, Any]):
    """Local names over the variables, which stay lazy (jinja's own way copies, and so renders, them all)."""

    __slots__ = ("below", "local")

    def __init__(self, local: Mapping[str, Any], below: Mapping[str, Any]) -> None:
        self.local = local
        self.below = below

    @property
    def action(self) -> str:
        """As LazyVars.action."""
        return getattr(self.below, "action", "")

    def resolve(self, name: str) -> Any:
        """As LazyVars.resolve: an Undefined instead of an UndefinedError."""
        return self.local[name] if name in self.local else resolve(self.below, name)

    def __getitem__(self, name: str) -> Any:
        return self.local[name] if name in self.local else self.below[name]

    def __contains__(self, name: object) -> bool:
        return name in self.local or name in self.below

    def __iter__(self) -> Iterator[str]:
        return iter({**dict.fromkeys(self.below), **dict.fromkeys(self.local)})

    def __len__(self) -> int:
        return sum(1 for _ in self)


def over(local: Mapping[str, Any], below: Any) -> Any:
    """`local` over `below`; what Jinja takes for the dict of its variables."""
    return Overlay(local, below) if local else below


def resolve(variables: Mapping[str, Any], name: str) -> Any:
    """The value of a variable, MISSING, or an Undefined when a name in its own template has no value."""
    lookup = getattr(variables, "resolve", None)
    try:
        if lookup is not None:
            return lookup(name)
        return variables.get(name, MISSING)
    except errors.UndefinedError as error:
        return Undefined(name=name, cause=error)


class LazyContext(Context):
    """Names of the template, then variables, then globals: each looked up when it is used."""

    def resolve_or_missing(self, key: str) -> Any:
        """The value of `key`, or jinja's `missing`."""
        if key in self.vars:
            return self.vars[key]
        found = resolve(self.parent, key)
        return self.environment.globals.get(key, MISSING) if found is MISSING else found

    def get_all(self) -> Any:
        """All names, without a copy."""
        return Overlay(self.vars, self.parent) if self.vars else self.parent

    def derived(self, locals: dict[str, Any] | None = None) -> LazyContext:     # noqa: A002 - jinja's name
        """A context with `locals` over this one, for a block or a call."""
        known = {name: value for name, value in (locals or {}).items() if value is not MISSING}
        below: Any = self.get_all()
        made = LazyContext(self.environment, over(known, below), self.name, {})
        made.eval_ctx = self.eval_ctx
        made.blocks.update((name, list(each)) for name, each in self.blocks.items())
        return made


class LazyTemplate(jinja2.Template):
    """A template whose context never copies the variables."""

    def new_context(
        self,
        vars: Any = None,      # noqa: A002 - jinja's names
        shared: bool = False,      # noqa: ARG002 - always, here
        locals: Mapping[str, Any] | None = None,      # noqa: A002
    ) -> Context:
        """A context over `vars`."""
        known = {name: value for name, value in locals.items() if value is not MISSING} if locals else {}
        below: Any = vars if vars is not None else {}
        return LazyContext(self.environment, over(known, below), self.name, self.blocks)


    def make_module(
        self,
        vars: dict[str, Any] | None = None,      # noqa: A002 - jinja's names
        shared: bool = False,
        locals: Mapping[str, Any] | None = None,      # noqa: A002
    ) -> Imported:
        """What `{% import %}` gives."""
        return Imported(self, self.new_context(vars, shared, locals))


class Imported(jinja2.environment.TemplateModule):
    """An imported template, whose text is made as that of any other."""

    def __str__(self) -> str:
        return text(concat(self._body_stream))


def _kept(escape: re.Match[str]) -> str:
    return escape[0] if escape["next"] in _ESCAPES else "\\" + escape[0]


class LiteralLexer(Lexer):
    r"""Reads texts in `{{ }}` with their backslashes as they stand, which is what playbooks count on: '\1', '\.'."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self._literal = environment.literal_backslashes

    def wrap(
        self, stream: Iterable[tuple[int, str, str]], name: str | None = None, filename: str | None = None
    ) -> Iterator[Token]:
        """The tokens of a stream of raw ones."""
        return super().wrap(self._escaped(stream), name, filename)

    def _escaped(self, stream: Iterable[tuple[int, str, str]]) -> Iterator[tuple[int, str, str]]:
        literal = False
        for line, kind, value in stream:
            if kind in ("variable_begin", "variable_end"):
                literal = self._literal and kind == "variable_begin"
            elif kind == "string" and "\\" in value:
                # what is no escape in Python stays as it is, without Python's warning about it
                yield line, kind, value.replace("\\", "\\\\") if literal else _ESCAPE.sub(_kept, value)
                continue
            yield line, kind, value


class TypedCode(NativeCodeGenerator):
    """Generates code whose parts are values and not texts, constants too.

    Nothing is worked out when a template is compiled: `{{ 'x' | password_hash }}` is another text each time.
    """

    def _output_child_to_const(self, node: nodes.Expr, frame: Frame, finalize: Any) -> Any:
        if not isinstance(node, nodes.Const | nodes.TemplateData):
            raise nodes.Impossible
        return super()._output_child_to_const(node, frame, finalize)

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        return repr(concat(group))


class Environment(SandboxedEnvironment):
    """The one Jinja environment of a Templar; file templates use overlays of it."""

    code_generator_class = TypedCode
    context_class = LazyContext
    template_class = LazyTemplate
    concat = staticmethod(concat)
    intercepted_binops = frozenset({"*", "**"})

    def __init__(self, **options: Any) -> None:
        super().__init__(undefined=Undefined, trim_blocks=True, auto_reload=False, optimized=False, **options)
        self.globals["range"] = bounded_range
        self.literal_backslashes = True
        self._lexers: dict[tuple[Any, ...], Lexer] = {}

    @property
    def lexer(self) -> Lexer:
        """The lexer for this environment's delimiters; overlays share what was made."""
        key = (self.literal_backslashes, *(getattr(self, name) for name in LEXED))
        if key not in self._lexers:
            self._lexers[key] = LiteralLexer(self)
        return self._lexers[key]

    def _parse(self, source: str, name: str | None, filename: str | None) -> nodes.Template:
        tree = super()._parse(source, name, filename)
        self._embed_arguments(tree)
        return tree

    def compile_expression_value(self, source: str, constants: bool = True) -> jinja2.Template:
        """A template whose one part is the expression's value. Raises TemplateSyntaxError.

        `constants`: templates in any constant text of it are rendered, and not in arguments of lookups only.
        """
        parser = Parser(self, source, state="variable")
        expression = parser.parse_expression()
        if not parser.stream.eos:
            parser.fail("chunk after expression")
        tree = nodes.Template([nodes.Output([expression], lineno=1)], lineno=1)
        (self._embed_constants if constants else self._embed_arguments)(tree)
        tree.set_environment(self)
        return self.from_string(tree)

    def _embed_arguments(self, tree: nodes.Template) -> None:
        """Replace constant texts that hold a template where they are arguments of a lookup."""
        for call in tree.find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name in EMBEDDING:
                call.args[1:] = [self._embedded(each) for each in call.args[1:]]

    def _embed_constants(self, node: nodes.Node) -> None:
        """Replace each constant text that holds a template by what it means: `x == '{{ y }}'` is `x == y`."""
        for field, value in node.iter_fields():
            if isinstance(value, list):
                value[:] = [self._embedded(each) for each in value]
            elif isinstance(value, nodes.Node):
                setattr(node, field, self._embedded(value))
        for child in node.iter_child_nodes():
            self._embed_constants(child)

    def _embedded(self, node: Any) -> Any:
        """The expression that a constant text with a template in it stands for; else the node as it is."""
        for field in WHOLE.get(type(node), ()):
            inside = getattr(node, field)
            setattr(node, field, [self._embedded(each) for each in inside] if isinstance(inside, list)
                    else self._embedded(inside))
        if not isinstance(node, nodes.Const) or not is_template(node.value):
            return node
        try:
            body = Parser(self, node.value).parse().body
        except jinja2.TemplateSyntaxError:
            return node
        if not all(isinstance(part, nodes.Output) for part in body):
            return node
        parts = [each for part in body if isinstance(part, nodes.Output) for each in part.nodes]
        parts = [nodes.Const(each.data) if isinstance(each, nodes.TemplateData) else each for each in parts]
        _log.warning("Jinja constant strings should not contain embedded templates: use the name itself in %r.",
                     node.value)
        made = parts[0] if len(parts) == 1 else nodes.Concat(parts)
        return made.set_lineno(node.lineno, override=True)

    # Attributes and items --------------------------------------------------------------------------------------

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`obj.attribute`: for variables and the like the item first, else as Jinja's sandbox does it."""
        if isinstance(obj, Undefined):
            return obj
        if not isinstance(obj, dict | str | list) and isinstance(obj, Mapping):
            return self._item_first(obj, attribute)
        try:
            return super().getattr(obj, attribute)
        except errors.UndefinedError as error:
            return Undefined(cause=error)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """`obj[argument]`: an Undefined when there is none."""
        if isinstance(obj, Undefined):
            return obj
        if isinstance(argument, Undefined):
            return argument
        if not isinstance(obj, dict | str | list) and isinstance(obj, Mapping):
            return self._item_first(obj, argument)
        try:
            return super().getitem(obj, argument)
        except errors.UndefinedError as error:
            return Undefined(cause=error)

    def _item_first(self, obj: Mapping[Any, Any], key: Any) -> Any:
        found = resolve(obj, key)
        if found is not MISSING:
            return found
        if key in ("get", "items", "keys", "values"):
            return getattr(obj, key)
        return self.undefined(obj=obj, name=key)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Nothing that starts with an underscore, and nothing of Python's insides."""
        return not attr.startswith("_") and super().is_safe_attribute(obj, attr, value)

    # Calls and operators ---------------------------------------------------------------------------------------

    def call(__self, __context: Context, __obj: Any, *args: Any, **kwargs: Any) -> Any:    # noqa: N805 - as jinja has it
        """Call what a template calls, unless that would change a variable in place; a view of a mapping is a list."""
        if isinstance(__obj, Undefined):
            return __obj
        owner = getattr(__obj, "__self__", None)
        if isinstance(owner, list | dict | set) and isinstance(__obj, BuiltinMethodType) and \
                modifies_known_mutable(owner, __obj.__name__) and belongs(owner, __context.parent):
            raise errors.TemplateError(
                f"{__obj.__name__}() would change a variable in place, and so its value for others.",
                hint="Make a new value: a + b, x | combine(y), or a list of the template's own ({% set a = [] %}).",
            )
        result = SandboxedEnvironment.call(__self, __context, __obj, *args, **kwargs)
        return list(result) if isinstance(result, VIEWS) else result

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Multiplication and power with an end."""
        if operator == "*":
            check_product(left, right)
        elif isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > MAX_POWER_BITS:
            raise errors.TemplateError("The power would be too large a number.")
        return super().call_binop(context, operator, left, right)


def check_product(left: Any, right: Any) -> None:
    """Raise TemplateError when `left * right` would be an enormous text or list."""
    for many, times in ((left, right), (right, left)):
        if isinstance(many, str | bytes | list | tuple) and isinstance(times, int) \
                and len(many) * times > MAX_LENGTH:
            raise errors.TemplateError(f"The product would have {len(many) * times} parts; {MAX_LENGTH} are allowed.")


def bounded_range(*args: int) -> range:
    """`range`, with an end to its length."""
    made = range(*args)
    if len(made) > MAX_RANGE:
        raise errors.TemplateError(f"Range too big. The sandbox blocks ranges larger than {MAX_RANGE}.")
    return made


def belongs(container: Any, variables: Any) -> bool:
    """Whether `container` is (a part of) a variable's value, and not the template's own."""
    if isinstance(container, LazyDict | LazyList):
        return True
    while isinstance(variables, Overlay):
        variables = variables.below
    waiting, seen = _inside(variables), set[int]()
    while waiting:
        each = waiting.pop()
        if each is container:
            return True
        if id(each) not in seen:
            seen.add(id(each))
            waiting += _inside(each)
    return False


def _inside(value: Any) -> list[Any]:
    """The containers in a container; of lazy variables those that were looked up so far."""
    inside: Iterable[Any]
    if isinstance(value, dict):
        inside = dict.values(value)
    elif isinstance(value, Mapping):
        inside = getattr(value, "looked_up", list)()
    else:
        inside = value if isinstance(value, list | tuple) else ()
    return [each for each in inside if isinstance(each, Mapping | list | tuple | set)]


__all__ = ["Environment", "Overlay", "bounded_range", "concat", "over", "resolve", "text", "with_newlines"]
