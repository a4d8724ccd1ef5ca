// Package outside writes the statements with which the administrator of a ClickHouse that Streamgauge does not run lets
// analysts into the views: for all experiments, or for some.
//
//	analyst: SELECT ON sg.* alone -> view, in the name of sg_views -> row policy of sg_views, which asks who looks -> table
//
// On the embedded engine users come from a file, and row policies end it; there views alone keep the experiments apart (package
// views). Here the engine does: the views read as the user sg_views, whom nobody can log in as, and who sees of each table
// the rows that the analyst behind the query may see. A policy filters where a table is read, before any condition of a
// query's, so that no condition can tell of a row that is kept back, whatever settings a query has.
//
// Who has no row in streamgauge.scopes sees nothing.
package outside
