// The parts of ECharts that pictures of many runs need; a chunk of its own, loaded by the first page that draws one.

import { BarChart, ParallelChart, ScatterChart, HeatmapChart } from "echarts/charts";
import { GridComponent, ParallelComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { init, use, type ECharts } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";

use([BarChart, ParallelChart, ScatterChart, HeatmapChart, GridComponent, ParallelComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

export { init, type ECharts };
