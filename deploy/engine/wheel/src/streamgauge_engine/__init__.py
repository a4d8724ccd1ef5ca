"""The folder of the ClickHouse engine that `streamgauge up` runs, laid out as npm does it. There is no code here."""
