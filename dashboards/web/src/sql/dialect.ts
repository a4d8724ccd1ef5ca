// What the editor knows of ClickHouse's SQL: the words of statements that read, and the functions that history is asked with.
// The server refuses everything that writes, so its words would only be in the way.

export const KEYWORDS =
  "all and anti any array as asc asof between by case cast cross cube cutoff date desc distinct else end except exists explain false fill final first following from full global " +
  "group having ignore ilike in inner intersect interval into is join last lateral left like limit not null nulls offset on or order outer over partition preceding prewhere " +
  "qualify range recursive respect right rollup row rows sample select semi settings step then ties to totals true unbounded union using view when where window with";

/** Each with its arguments. Names of functions are written as they stand: most know upper from lower case. */
export const FUNCTIONS: readonly string[] = [
  ...["count()", "countIf(condition)", "uniq(x)", "uniqExact(x)", "min(x)", "max(x)", "sum(x)", "sumIf(x, condition)", "avg(x)", "avgIf(x, condition)", "any(x)", "anyLast(x)"],
  ...["argMin(x, by)", "argMax(x, by)", "median(x)", "quantile(0.95)(x)", "quantiles(0.5, 0.95)(x)", "stddevPop(x)", "stddevSamp(x)", "varSamp(x)", "corr(x, y)", "rankCorr(x, y)"],
  ...["groupArray(x)", "groupUniqArray(x)", "topK(10)(x)", "histogram(20)(x)", "simpleLinearRegression(x, y)"],
  ...["round(x, digits)", "floor(x)", "ceil(x)", "abs(x)", "sqrt(x)", "exp(x)", "log(x)", "log2(x)", "log10(x)", "pow(x, y)", "greatest(x, y)", "least(x, y)", "isFinite(x)", "isInfinite(x)", "isNaN(x)"],
  ...["if(condition, then, else)", "multiIf(condition, then, else)", "coalesce(x, y)", "ifNull(x, y)", "nullIf(x, y)", "assumeNotNull(x)", "toFloat64OrNull(text)", "toInt64OrNull(text)", "toString(x)"],
  ...["now()", "today()", "toDate(x)", "toDateTime(x)", "toStartOfHour(time)", "toStartOfDay(time)", "toStartOfWeek(time)", "toStartOfMonth(time)", "toStartOfInterval(time, INTERVAL 15 minute)"],
  ...["dateDiff('second', from, to)", "formatDateTime(time, format)", "toUnixTimestamp(time)", "toYYYYMM(time)"],
  ...["length(x)", "lower(text)", "upper(text)", "concat(x, y)", "substring(text, from, length)", "startsWith(text, with)", "endsWith(text, with)", "match(text, pattern)", "extract(text, pattern)"],
  ...["replaceOne(text, from, to)", "replaceRegexpAll(text, pattern, to)", "splitByChar(separator, text)", "JSONExtractString(json, key)", "JSONExtractFloat(json, key)"],
  ...["has(array, x)", "arrayJoin(array)", "arrayMap(x -> x, array)", "arrayFilter(x -> x, array)", "arraySort(array)", "arrayElement(array, n)", "mapKeys(map)", "mapValues(map)", "mapContains(map, key)"],
  ...["row_number()", "rank()", "dense_rank()", "first_value(x)", "last_value(x)", "lagInFrame(x, rows)", "leadInFrame(x, rows)", "exponentialMovingAverage(seconds)(x, time)", "numbers(count)"],
];

/** A function's name, and its arguments as they are shown. */
export function signature(text: string): { readonly name: string; readonly args: string } {
  const at = text.indexOf("(");
  return at < 0 ? { name: text, args: "" } : { name: text.slice(0, at), args: text.slice(at) };
}
