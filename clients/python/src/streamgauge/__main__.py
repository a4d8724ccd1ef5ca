"""`python -m streamgauge ...` is the command `streamgauge` of this Python."""

import sys

from streamgauge._command import main

if __name__ == "__main__":
    sys.exit(main())
