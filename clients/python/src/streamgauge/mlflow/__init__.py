"""MLflow's client with Streamgauge's speed. MLflow finds it by itself once this package is installed.

- `stores`: what MLflow's registries are given for a URI.
- `tracking`: the tracking store that writes metrics to the crash-safe log instead of the network.
- `context`: branch, changes and DVC's data sets of plain MLflow runs.
"""
