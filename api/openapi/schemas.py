"""JSON Schemas of responses and parameters, and the components that they refer to."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from api.operations import Operation, camel
from api.responses.schema import Schema
from harmonic.kernel.parameters.schema import params_schema

REF = "#/components/schemas/{model}"
# Objects that can have undeclared members.
OPEN = frozenset({"ErrorJson", "LinkedItemJson", "ProblemJson"})


class _Generator(GenerateJsonSchema):
    """Schema generator: closed objects without titles, and names without the suffix `Json`."""

    def normalize_name(self, name: str) -> str:
        return super().normalize_name(name).removesuffix("Json")

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def typed_dict_schema(self, schema: Any) -> Schema:
        is_open = schema["cls"].__name__ in OPEN
        return _untitled(super().typed_dict_schema(schema), additionalProperties=is_open)

    def enum_schema(self, schema: Any) -> Schema:
        return _untitled(super().enum_schema(schema))


def _untitled(schema: Schema, **more: Any) -> Schema:
    return {**{name: value for name, value in schema.items() if name != "title"}, **more}


class Schemas:
    """The schemas of several types, and their components: objects, bodies and enumerations."""

    def __init__(self, types: Iterable[Any]) -> None:
        adapters = [(each, "serialization", TypeAdapter(each)) for each in dict.fromkeys(types)]
        found, whole = TypeAdapter.json_schemas(
            adapters,  # type: ignore[arg-type]  # the modes are literals
            schema_generator=_Generator,
            ref_template=REF,
        )
        self._of = {each: schema for (each, _), schema in found.items()}
        self.components: Schema = whole["$defs"]

    def of(self, type_: Any) -> Schema:
        return self._of[type_]

    def resolved(self, schema: Schema) -> Schema:
        """Return the component that a schema refers to, or else the schema itself."""
        name = schema.get("$ref", "").rpartition("/")[2]
        return self.components[name] if name else schema

    def query(self, operation: Operation) -> Schema:
        """Return the schemas of an operation's query parameters, by name."""
        return self._named(operation, params_schema(operation.query)["properties"])

    def body(self, operation: Operation) -> Schema:
        """Add the body of an operation to the components, and return a reference to it."""
        schema = params_schema(operation.body, operation.listed)
        together = params_schema(operation.together)["properties"]
        properties = _joined(schema["properties"], together)
        pairs = [name for name in together if name not in schema["properties"]]
        needed = {name: [other for other in pairs if other != name] for name in pairs}
        self.components[operation.component] = {
            **schema,
            "properties": self._named(operation, properties),
            **({"dependentRequired": needed} if needed else {}),
        }
        return {"$ref": REF.format(model=operation.component)}

    def _named(self, operation: Operation, properties: Schema) -> Schema:
        """Return properties with references to components in place of enumerations."""
        return {
            name: self._enumeration(operation, name, each) if "enum" in each else each
            for name, each in properties.items()
        }

    def _enumeration(self, operation: Operation, name: str, schema: Schema) -> Schema:
        """Return a reference to the enumeration of a parameter, which others may share."""
        words = {"enum": schema["enum"], "type": schema["type"]}
        rest = {key: value for key, value in schema.items() if key not in {*words, "minLength"}}
        model = camel(f"{operation.noun}_{name}")
        if set(self.components.setdefault(model, words)["enum"]) != set(words["enum"]):
            model = operation.component + camel(name)
            self.components[model] = words
        return {"$ref": REF.format(model=model), **rest}

    def example(self, schema: Schema) -> Any:
        """Return an example value of a schema."""
        for name in ("examples", "enum"):
            if name in schema:
                return schema[name][0]
        if "$ref" in schema:
            return self.example(self.resolved(schema))
        if "anyOf" in schema:
            return self.example(schema["anyOf"][0])
        if schema["type"] == "object":
            properties = schema["properties"]
            return {name: self.example(properties[name]) for name in schema["required"]}
        if schema["type"] == "array":
            return [self.example(schema["items"])]
        return {"string": "…", "integer": 1, "boolean": True}[schema["type"]]


def _joined(first: Schema, more: Schema) -> Schema:
    """Return the properties of both. A property of both takes the values of both enumerations."""
    joined = {**first, **{name: more[name] for name in more if name not in first}}
    for name in first.keys() & more.keys():
        words = dict.fromkeys([*first[name]["enum"], *more[name]["enum"]])
        joined[name] = {**first[name], "enum": list(words)}
    return joined
