package views

// server has the views of what the server itself does.
var server = []View{
	{Name: "storage", Comment: "Tables and what they take. Not for those who are confined to experiments.", Columns: []Column{
		{"table", text, "table behind the views"},
		{"parts", "UInt64", "active parts: many small ones mean that merging does not follow"},
		{"rows", "UInt64", "rows"},
		{"bytes_on_disk", "UInt64", "bytes on disk, indexes and projections included"},
		{"bytes_uncompressed", "UInt64", "bytes before compression"},
	}},
	{Name: "disks", Comment: "Disks of the tables. Not for those who are confined to experiments.", Columns: []Column{
		{"name", text, "name"},
		{"free_bytes", "UInt64", "bytes that are free"},
		{"total_bytes", "UInt64", "bytes in all"},
	}},
	{Name: "batches", Comment: "What was inserted together into points: one row an insert. Not for those who are confined to experiments.", Columns: []Column{
		lane,
		{"time", time3, "when the bus took the last message of it"},
		{"sequence_first", "UInt64", "number of its first message on the lane"},
		{"sequence_last", "UInt64", "number of its last message on the lane"},
		{"points", "UInt64", "points in it"},
	}},
	{Name: "quarantine", Comment: "Messages that could not be read or were refused. Not for those who are confined to experiments.", Columns: []Column{
		{"time", time3, "when the bus took the message"},
		{"lane", "UInt16", "lane that it came over"},
		{"sequence", "UInt64", "number of the message on the bus"},
		{"part", "UInt32", "0 the whole message, else 1 + the index of the refused section"},
		{"subject", text, "subject of the message"},
		{"reason", text, "why it was refused"},
		{"size_bytes", "UInt64", "bytes of the message"},
	}},
}
