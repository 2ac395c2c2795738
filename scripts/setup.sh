# Read by scripts/demo and scripts/test: makes .venv, installs Debian packages. POSIX sh.

say() { printf '%s\n' "$*" >&2; }
fail() { printf '%s\n' "$@" >&2; exit 1; }

# as_root COMMAND...: run it as root; 1 when there is no way to.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1 && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
        sudo "$@"
    else
        return 1
    fi
}

# missing_packages NAME...: those of the Debian packages that are not installed.
missing_packages() {
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
    done
}

# need_packages NAME...: install those that are missing, through apt-get.
need_packages() {
    command -v dpkg-query >/dev/null 2>&1 || fail "This needs Debian or Ubuntu, or these packages' equivalents: $*"
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    say "Installing: $missing"
    # shellcheck disable=SC2086  # one word a package
    as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get -q update >&2 && apt-get -qy install --no-install-recommends "$@" >&2' apt $missing ||
        fail "Could not install: $missing" \
             "Run this as root, or as a user whom sudo allows apt-get, or install the packages by hand:" \
             "    apt-get install $missing"
}

# find_python: the first Python that is new enough; PYTHON overrides the search.
find_python() {
    for python in "${PYTHON:-}" python3 python3.14 python3.13 python3.12 python3.11; do
        [ -n "$python" ] || continue
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$python"; return; }
    done
    fail "No Python 3.11 or newer found. Install one, or name it: PYTHON=/path/to/python3"
}

# make_venv [GROUP]: .venv with asyncrun (as it is in this folder) and the packages of a dependency group.
make_venv() {
    group=${1:-}
    stamp=.venv/.made-of-${group:-base}-$(cksum < pyproject.toml | tr -c '0-9\n' -)
    [ -e "$stamp" ] && .venv/bin/python -c 'import asyncrun' 2>/dev/null && return
    if [ ! -x .venv/bin/pip ]; then
        python=$(find_python) || exit 1
        # Debian keeps what venv needs in a package of its own.
        "$python" -c 'import ensurepip, venv' 2>/dev/null ||
            need_packages "$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
        rm -rf .venv
        "$python" -m venv .venv
    fi
    say "Installing asyncrun into .venv"
    .venv/bin/python -m pip install -q --disable-pip-version-check --upgrade 'pip>=25.1'
    .venv/bin/python -m pip install -q -e . ${group:+--group "$group"}
    rm -f .venv/.made-of-"${group:-base}"-*
    touch "$stamp"
}

# find_newer_python: a Python that ansible-core 2.21 runs on, of the system or of pyenv; nothing when there is none.
find_newer_python() {
    for version in 3.12 3.13 3.14; do
        python=$(command -v "python$version") && "$python" -c '' 2>/dev/null && { echo "$python"; return; }
        for python in "$(pyenv root 2>/dev/null)"/versions/"$version".*/bin/python; do
            [ -x "$python" ] && { echo "$python"; return; }
        done
    done
}

# make_oracle: ansible-core 2.21 in .venv-ansible, for tests/compat to compare with; without it they are skipped.
make_oracle() {
    [ -x .venv-ansible/bin/ansible-playbook ] && return
    python=$(find_newer_python)
    [ -n "$python" ] || { say "No Python 3.12 or newer: tests that compare with ansible-core are skipped."; return; }
    say "Installing ansible-core into .venv-ansible"
    rm -rf .venv-ansible
    "$python" -m venv .venv-ansible
    .venv-ansible/bin/python -m pip install -q --disable-pip-version-check 'ansible-core==2.21.*'
}
