"""Completion in bash, zsh and fish: what was typed goes in, and words come out that stay one word each.

Typer finds the words. Its scripts for the shells break names that have spaces, so these take their place: they hand
over the line, or the words of it. Zsh and fish quote what comes back; for bash it is quoted here.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO

from typer import _completion_shared

from service.cli.exits import Failure
from service.cli.typed_line import read_line
from service.home import NAME

LINE, BREAKS = "_BOT_SCHEDULER_LINE", "_BOT_SCHEDULER_BREAKS"
"""The variables in which the script for bash hands over the line up to the cursor, and what breaks words in it."""
_TYPER = "_BOT_SCHEDULER_COMPLETE"
_OPTION = re.compile(r"--[^=]+=")
"""What stands before a value, which Typer leaves out."""

BASH = r"""
%(complete_func)s() {
    local found
    COMPREPLY=()
    while IFS= read -r found; do
        COMPREPLY+=("$found")
    done < <(env _BOT_SCHEDULER_WORDS=bash _BOT_SCHEDULER_LINE="${COMP_LINE:0:COMP_POINT}" \
        _BOT_SCHEDULER_BREAKS="$COMP_WORDBREAKS" "$1")
}

complete -o default -F %(complete_func)s %(prog_name)s
"""
"""It inserts what comes back as it is."""
ZSH = r"""
#compdef %(prog_name)s

%(complete_func)s() {
    local -a found words_typed values shown
    local one
    words_typed=("${(@Q)words[2,CURRENT]}")
    found=("${(@f)$(env _BOT_SCHEDULER_WORDS=zsh %(prog_name)s "${words_typed[@]}")}")
    for one in "${found[@]}"; do
        [[ -n $one ]] || continue
        values+=("${one%%%%$'\t'*}")
        shown+=("${one/$'\t'/  }")
    done
    if (( $#values )); then compadd -l -d shown -a values; else _files; fi
}

compdef %(complete_func)s %(prog_name)s
"""
FISH = r"""
function %(complete_func)s
    set -l typed (commandline -opc) (commandline -ct)
    env _BOT_SCHEDULER_WORDS=fish %(prog_name)s $typed[2..-1]
end
complete --command %(prog_name)s --no-files --condition 'test -n "$(%(complete_func)s)"' \
    --arguments '(%(complete_func)s)'
"""


def use_own_scripts() -> None:
    """Let `--install-completion` and `--show-completion` take these scripts."""
    _completion_shared._completion_scripts |= {"bash": BASH, "zsh": ZSH, "fish": FISH}


def answer(shell: str, environment: MutableMapping[str, str], typed: Sequence[str], run: Callable[[], object]) -> str:
    """Return what a script is to offer: in each line a word, and for zsh and fish a tab and what it means.

    A script for bash of an earlier version hands over no breaks, and runs what stands in names; it is offered nothing.

    Args:
        shell: The shell.
        environment: This process', in which Typer finds the question.
        typed: The words behind the command's name, the last of them unfinished; bash has the line in `environment`.
        run: Runs the command line, which answers and does nothing else.
    """
    line = read_line(environment.get(LINE, ""), environment.get(BREAKS, ""))
    if shell == "bash" and BREAKS not in environment:
        return ""
    words = line.words[1:] if shell == "bash" else list(typed)
    # Fish hands over the last word as it was typed; so does zsh one whose quotation mark is still open.
    if words and (shell == "fish" or (shell == "zsh" and words[-1].startswith(('"', "'")))):
        words[-1] = read_line(words[-1]).words[-1]
    environment.update({
        _TYPER: "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": shlex.join([NAME, *(words or [""])]),
    })  # fmt: skip
    with redirect_stdout(StringIO()) as said, suppress(Failure, SystemExit):
        run()
    option = _OPTION.match(words[-1]) if words else None
    offers = [(option[0] if option else "") + offer for offer in said.getvalue().split("\n") if offer]
    if shell == "bash":
        offers = [one for offer in offers if (one := line.going_on(offer.partition("\t")[0])) is not None]
    return "".join(f"{offer}\n" for offer in offers)
