// Package panel is a small typed layer over what Grafana 12.3 and its data source for ClickHouse (4.14) read.
//
// github.com/grafana-tools/sdk, of 2022, knows boards, folders and uploads, but not today's panels: each of ours is its
// CustomPanel. The JSON is that of Grafana's own panels (schema version 42): options and fieldConfig as its editor writes
// them. A query of the data source wants a number for format beside its queryType, and the data source as {type, uid}.
//
// Grafana pastes the values of variables into SQL as text. So a variable that is a text always stands as
// ${name:sqlstring}, which quotes; Var writes it.
package panel
