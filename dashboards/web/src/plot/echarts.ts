// The parts of ECharts that pictures of many runs need; a chunk of its own, loaded by the first page that draws one.

import { BarChart, LineChart, ParallelChart, ScatterChart, HeatmapChart } from "echarts/charts";
import { GridComponent, LegendComponent, ParallelComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { init, use, type ECharts } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, LineChart, ParallelChart, ScatterChart, HeatmapChart, GridComponent, LegendComponent, ParallelComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

export { init, type ECharts };
