// The page is painted before its scripts are read. Where nobody looks nothing is painted.
const start = () => import("./main.js");
if (document.hidden) start();
else requestAnimationFrame(() => setTimeout(start));
