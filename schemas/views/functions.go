package views

// Function is one of SQL's own functions, for all databases of the engine.
type Function struct {
	Name, Arguments string
	SQL             string
	Comment         string
	// Internal is for the views themselves.
	Internal bool
}

// ScopePrefix begins the id of a query that may see some experiments only: prefix, something drawn, and the experiments,
// separated by dots. Scope makes one.
const scopePrefix = "sgx."

// Functions in the order in which they are made.
var Functions = []Function{
	{
		Name: "sgConfined", Arguments: "()", Internal: true, SQL: "startsWith(initialQueryID(), '" + scopePrefix + "')",
		Comment: "whether the query may see some experiments only",
	},
	{
		Name: "sgScope", Arguments: "()", Internal: true,
		SQL:     "arrayMap(x -> toUInt32OrZero(x), arraySlice(splitByChar('.', initialQueryID()), 3))",
		Comment: "the experiments that a confined query may see",
	},
	// A set of a subquery is hashed and known to indexes; an array that is computed is looked through for every row, which took
	// ten times as long for 100 experiments.
	{
		Name: "sgSees", Arguments: "(experiment)", Internal: true,
		SQL:     "NOT sgConfined() OR experiment IN (SELECT arrayJoin(sgScope()))",
		Comment: "whether the query may see an experiment; a constant where it may see all",
	},
	{
		Name: "sgSeesAll", Arguments: "(experiments)", Internal: true,
		SQL:     "NOT sgConfined() OR notEmpty(experiments) AND arrayAll(e -> e IN (SELECT arrayJoin(sgScope())), experiments)",
		Comment: "whether the query may see all of some experiments, and there are some; a constant where it may see all",
	},
	{
		Name: "sgSeeks", Arguments: "(number)", Internal: true,
		SQL:     "NOT sgConfined() OR indexHint(number IN (SELECT run FROM streamgauge.runs WHERE sgSees(experiment)))",
		Comment: "lets the index of a table that is sorted by runs' numbers leave out what the query may not see; keeps nothing back by itself, as sgSees does",
	},
	// Digits of 64 bits, the first the most significant. What a float is compared by are its bits, all but the sign turned round if it
	// is less than 0. A zero that stands for NaN is above the others.
	{
		Name: "sgTurn", Arguments: "(value)", Internal: true,
		SQL: "(((toInt256(value.1) * bitShiftLeft(toInt256(1), 64) + value.2) * bitShiftLeft(toInt256(1), 64) + value.3) * bitShiftLeft(toInt256(1), 64) + " +
			"if(reinterpretAsInt64(value.4) < 0, bitXor(reinterpretAsInt64(value.4), 9223372036854775807), reinterpretAsInt64(value.4))) * 2 + isNaN(value.5)",
		Comment: "a number that orders the values of table latest as they are ordered",
	},
	{
		Name: "sgEscaped", Arguments: "(name)", Internal: true,
		SQL:     `arrayStringConcat(arrayMap(c -> if(match(c, '[\\x00-\\x1f\\x7f%/]'), concat('%', hex(c)), c), splitByString('', name)))`,
		Comment: "a model's name as it stands in a node of the graph (package lineage)",
	},
	{
		Name: "sgRun", Arguments: "(run_id)", SQL: "reinterpretAsUInt64(reverse(unhex(substring(run_id, 1, 16))))",
		Comment: "the number of a run, by which points are sorted, from its id",
	},
	{
		Name: "sgShift", Arguments: "(step_first, step_last, buckets)",
		SQL:     "toUInt8(least(63, greatest(0, ceil(log2((toFloat64(assumeNotNull(step_last)) - toFloat64(assumeNotNull(step_first)) + 1) / greatest(buckets, 1))))))",
		Comment: "how many bits of the step make a bucket, so that there are at most about so many buckets: they are 2^shift steps wide",
	},
	{
		Name: "sgBucket", Arguments: "(step, shift)", SQL: "bitShiftLeft(bitShiftRight(step, shift), shift)",
		Comment: "the first step of a step's bucket of 2^shift steps",
	},
}
