"""Completion in bash, zsh and fish: what was typed goes in, and words come out that the shell puts in quotation marks.

Typer finds the words. Its scripts for the shells break names that have spaces, so these take their place: they hand
over the line, or the words of it, and quote what comes back.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, MutableMapping, Sequence
from contextlib import redirect_stdout, suppress
from io import StringIO

from typer import _completion_shared

from service.cli.exits import Failure
from service.home import NAME

_BEHIND = re.compile(r"[^:=]*$")
LINE = "_BOT_SCHEDULER_LINE"
"""The variable in which the script for bash hands over the line up to the cursor."""
_TYPER = "_BOT_SCHEDULER_COMPLETE"

BASH = r"""
%(complete_func)s() {
    local found before word current="${COMP_WORDS[COMP_CWORD]}"
    COMPREPLY=()
    while IFS= read -r found; do
        before="${found%%%%$'\t'*}" word="${found#*$'\t'}"
        if [[ $current != [\"\']* ]]; then
            printf -v word %%q "$word"
            [[ -z $before ]] || printf -v before %%q "$before"
        else
            before=
        fi
        COMPREPLY+=("${word#"$before"}")
    done < <(env _BOT_SCHEDULER_WORDS=bash _BOT_SCHEDULER_LINE="${COMP_LINE:0:COMP_POINT}" "$1")
}

complete -o default -F %(complete_func)s %(prog_name)s
"""
"""Bash replaces what is behind the last colon or equals sign of a word; the rest comes before a tab, to be cut off."""
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

    Args:
        shell: The shell.
        environment: This process', in which Typer finds the question.
        typed: The words behind the command's name, the last of them unfinished; bash has the line in `environment`.
        run: Runs the command line, which answers and does nothing else.
    """
    words = words_in(environment.get(LINE, ""))[1:] if shell == "bash" else list(typed)
    # Fish hands over the last word as it was typed; so does zsh one whose quotation mark is still open.
    if words and (shell == "fish" or (shell == "zsh" and words[-1].startswith(('"', "'")))):
        words[-1] = words_in(words[-1])[-1]
    environment.update({
        _TYPER: "complete_fish", "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_ARGS": shlex.join([NAME, *(words or [""])]),
    })  # fmt: skip
    with redirect_stdout(StringIO()) as said, suppress(Failure, SystemExit):
        run()
    offers = [line for line in said.getvalue().splitlines() if line]
    if shell != "bash":
        return "".join(f"{offer}\n" for offer in offers)
    before = _BEHIND.sub("", words[-1]) if words else ""
    return "".join(f"{before}\t{offer.partition(chr(9))[0]}\n" for offer in offers)


def words_in(line: str) -> list[str]:
    """Split a line as a shell does; its last word may be unfinished, within quotation marks, or empty.

    Args:
        line: The line up to the cursor.
    """
    words: list[str] = []
    word, quote, escaped, begun = "", "", False, False
    for letter in line:
        if escaped:
            word, escaped = word + letter, False
        elif letter == "\\" and quote != "'":
            escaped = begun = True
        elif quote:
            word, quote = (word, "") if letter == quote else (word + letter, quote)
        elif letter in "\"'":
            quote, begun = letter, True
        elif letter.isspace():
            words, word, begun = [*words, word] if begun else words, "", False
        else:
            word, begun = word + letter, True
    return [*words, word]
