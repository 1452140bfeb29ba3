"""Shell completion: what may come next, and the scripts that ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from charlm.cli.arguments import Argument, arguments_of
from charlm.cli.flags import COMMANDS
from charlm.cli.mistakes import UsageError
from charlm.cli.parsing import EVERYTHING, HELP, VERSION, settings_class, with_long_flags

if TYPE_CHECKING:
    from charlm.cli.flags import Completion

ASKED = "__complete"
"""What the scripts put before the words that have been typed."""
FILES = ":files"
"""Stands for the names of files, which the shell knows better."""

BASH = """\
_charlm() {
    local word=${COMP_WORDS[COMP_CWORD]} found
    if [[ $word == "=" ]]; then word=; fi
    found=$("${COMP_WORDS[0]/#\\~/$HOME}" ASKED "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
    if [[ $found == FILES ]]; then
        compopt -o default
        COMPREPLY=()
    else
        COMPREPLY=($(compgen -W "$found" -- "$word"))
    fi
}
complete -F _charlm charlm
"""
ZSH = """\
#compdef charlm
_charlm() {
    local -a found
    found=("${(@f)$("${words[1]}" ASKED "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ $found[1] == FILES ]]; then
        compset -P '*='
        _files
    else
        compadd -a found
    fi
}
if [[ $funcstack[1] == _charlm ]]; then _charlm "$@"; else compdef _charlm charlm; fi
"""
FISH = """\
function __charlm_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l found (charlm ASKED $words[2..-1] "$word" 2>/dev/null)
    if test "$found" = FILES
        __fish_complete_path "$word"
    else
        printf '%s\\n' $found
    end
end
complete -c charlm -f -a '(__charlm_complete)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion(settings: Completion) -> None:
    """Prints a script that completes commands, flags, their values and the names of files."""
    print(SCRIPTS[settings.shell].replace("ASKED", ASKED).replace("FILES", FILES), end="")


def candidates(words: list[str]) -> list[str]:
    """Returns what may come in place of the last of several words, of which the others have been typed.

    Args:
        words: What follows ``charlm``; the last may be empty. A shell may have split one at its ``=``.

    Example:
        >>> candidates(["ev"]), candidates(["train", "input.txt", "--size", ""]), candidates(["info", ""])
        (['evaluate'], ['nano', 'small', 'base'], [':files'])
    """
    *before, word = words or [""]
    if not before:
        known = [*COMMANDS, "help"] if not word.startswith("-") else [*HELP, *VERSION]
        return [each for each in known if each.startswith(word)]
    if before[0] == "help":
        return [each for each in (*COMMANDS, "--all") if each.startswith(word)]
    if before[0] not in COMMANDS:
        return []
    return _of_command(before, word)


def _of_command(before: list[str], word: str) -> list[str]:
    if word == "=":
        before, word = [*before, "="], ""
    if before[-1] == "=":
        return _values(_asked_for(before[:-1]), word)
    flag, equals, value = word.partition("=")
    if equals:
        found = _values(_asked_for([*before, flag]), value)
        return found if found == [FILES] else [f"{flag}={each}" for each in found]
    if word.startswith("-"):
        flags = [argument for argument in _known(before) if not argument.is_positional]
        known = [*(flag.as_typed for flag in flags), *HELP, EVERYTHING[0]]
        return [each for each in known if each.startswith(word)]
    return _values(_asked_for(before), word)


def _known(before: list[str]) -> tuple[Argument, ...]:
    """Returns what the command takes; for ``train``, what the family takes if that can be told."""
    try:
        return arguments_of(settings_class(with_long_flags(before)))
    except (OSError, UsageError, ValueError):
        return arguments_of(COMMANDS[before[0]])


def _asked_for(before: list[str]) -> Argument | None:
    """Returns the argument whose value comes next."""
    typed = with_long_flags(before)
    known = arguments_of(COMMANDS[before[0]])
    positional = [argument for argument in known if argument.is_positional]
    flags = {argument.flag: argument for argument in known if not argument.is_positional}
    for n_between, word in enumerate(reversed(typed[1:])):
        flag = flags.get(word.replace("_", "-"))
        if flag is not None and flag.takes_value and (n_between == 0 or flag.takes_several):
            return flag
        if word.startswith("-"):
            break
    return positional[-1] if positional else None


def _values(argument: Argument | None, word: str) -> list[str]:
    if argument is None:
        return []
    if argument.choices:
        return [choice for choice in argument.choices if choice.startswith(word)]
    return [FILES] if argument.is_file else []
