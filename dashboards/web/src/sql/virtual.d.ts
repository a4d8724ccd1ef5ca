declare module "virtual:worked" {
  const worked: readonly import("./worked").Worked[];
  export default worked;
}
