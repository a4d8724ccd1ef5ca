"""python -m streamgauge sync DIR"""

import sys

from streamgauge._sync import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
