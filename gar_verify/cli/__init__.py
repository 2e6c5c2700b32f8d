"""Commands of ``gar-verify``, one module each; `gar_verify.cli` opens the door to them."""
