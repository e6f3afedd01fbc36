# Completion for bash: `interruptctl __complete` knows the words.

_interruptctl() {
    # Not COMP_WORDS: bash takes `errno:EIO` for three words.
    local -a words
    read -ra words <<<"${COMP_LINE:0:COMP_POINT}"
    local current=${words[-1]}
    if [[ ${COMP_LINE:0:COMP_POINT} == *[[:space:]] ]]; then
        current=
        words+=('')
    fi
    mapfile -t COMPREPLY < <("${words[0]}" __complete "${words[@]:1}" 2>/dev/null)
    # What stands before the last colon or equals sign is there already.
    local before=${current%"${current##*[:=]}"}
    COMPREPLY=("${COMPREPLY[@]#"$before"}")
    # After a comma or a colon more may come.
    if ((${#COMPREPLY[@]} == 1)) && [[ ${COMPREPLY[0]} == *: ]]; then
        compopt -o nospace
    fi
}

complete -o bashdefault -o default -F _interruptctl interruptctl
