// The dashboard: `view` turns a report into what is shown (pure), `browser` puts it into the page, and here the page is made. Main thread.
export { type DashboardPage, dashboardPage } from './page.js';
