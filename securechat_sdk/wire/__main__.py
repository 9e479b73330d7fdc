"""Print the protocol: ``python -m securechat_sdk.wire json-schema`` or ``typescript``."""

import argparse
import json
import sys
from pathlib import Path

from securechat_sdk.wire.json_schema import json_schema
from securechat_sdk.wire.typescript import typescript

WIRE_TS = Path("web/src/wire.ts")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m securechat_sdk.wire", description=__doc__)
    forms = parser.add_subparsers(dest="form", required=True)
    forms.add_parser("json-schema", help="print the JSON Schema of all frames")
    types = forms.add_parser("typescript", help=f"write the TypeScript types to {WIRE_TS}")
    types.add_argument("--check", action="store_true", help="write nothing; fail if not current")
    types.add_argument("--output", type=Path, default=WIRE_TS)
    options = parser.parse_args(arguments)
    if options.form == "json-schema":
        sys.stdout.write(json.dumps(json_schema(), indent=2) + "\n")
        return 0
    return _check(options.output) if options.check else _write(options.output)


def _write(path: Path) -> int:
    path.write_text(typescript(), encoding="utf-8")
    return 0


def _check(path: Path) -> int:
    if path.is_file() and path.read_text(encoding="utf-8") == typescript():
        return 0
    sys.stderr.write(f"{path} is not current: run `python -m securechat_sdk.wire typescript`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
