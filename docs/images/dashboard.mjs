// The pictures of Aspire's dashboard in docs/telemetry.md, from a running AppHost that has trained, embedded and answered:
//   npm install --prefix docs/images
//   node docs/images/dashboard.mjs 'http://localhost:15150/login?t=…'      the login link that the AppHost prints
// CHROMIUM names the browser where it isn't /usr/bin/chromium.
import { chromium } from 'playwright-core';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const login = process.argv[2];
if (!login) {
  console.error('usage: node docs/images/dashboard.mjs LOGIN-LINK');
  process.exit(2);
}

const folder = dirname(fileURLToPath(import.meta.url));
const origin = new URL(login).origin;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 820 }, colorScheme: 'light' });
page.setDefaultTimeout(60_000);

// The page is drawn over a connection to the server: what it shows settles a little after it loaded.
async function picture(name) {
  await page.waitForTimeout(2_500);
  await page.screenshot({ path: join(folder, `telemetry-${name}.png`) });
  console.log(`telemetry-${name}.png`);
}

async function trace(name, resource, span) {
  await page.goto(`${origin}/traces/resource/${resource}`);
  await page.locator(`span:text-is("${resource}: ${span}")`).first().click();
  await page.waitForURL('**/traces/detail/**');
  await picture(name);
}

await page.goto(login);
await page.waitForURL(url => !url.pathname.startsWith('/login'));
await page.goto(`${origin}/`);
await page.getByText('trainer').first().waitFor();
await picture('resources');
await page.goto(`${origin}/traces`);
await page.locator('.trace-service-tag').first().waitFor();
await picture('traces');
await trace('trace-training', 'trainer', 'train');
await trace('trace-embedding', 'embedder', 'embed release');
await trace('trace-recommendation', 'api', 'GET /v1/users/{userId}/recommendations');
await page.goto(`${origin}/metrics/resource/api?meter=TwoTower.Serving&instrument=twotower.serving.stage.duration`);
await picture('metrics');
await page.goto(`${origin}/structuredlogs`);
await picture('logs');
await browser.close();
