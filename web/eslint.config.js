import js from '@eslint/js';
import reactHooks from 'eslint-plugin-react-hooks';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['dist', 'src/platform/api_types.d.ts', 'test-results', 'playwright-report'] },
  js.configs.recommended,
  tseslint.configs.strict,
  reactHooks.configs.flat.recommended,
  {
    // Run by Node.js, and partly, handed to the browser, in a page. What TypeScript sources name, its compiler knows.
    files: ['e2e/*.mjs'],
    languageOptions: {
      globals: {
        process: 'readonly',
        fetch: 'readonly',
        document: 'readonly',
        console: 'readonly',
      },
    },
  },
  {
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
);
