"""Print the installed packages as a lock file: exact versions, no local builds, no paths."""

from importlib.metadata import distributions

LEFT_OUT = ("gar_verify", "pip", "nvidia-", "triton", "cuda-")
"""Itself, and what torch brings along (at exact versions) where it is built for CUDA."""


def main() -> None:
    """Print one ``name==version`` a line, sorted."""
    print("# Exact versions for `make setup`; written by `make lock`.")
    print("# torch stands alone: where its build needs CUDA packages, it pins them itself.")
    pins = {
        d.metadata["Name"]: d.version.split("+")[0]
        for d in distributions()
        if not d.metadata["Name"].startswith(LEFT_OUT)
    }
    for name in sorted(pins, key=str.lower):
        print(f"{name}=={pins[name]}")


if __name__ == "__main__":
    main()
