import js from '@eslint/js'

const node = ['Buffer', 'URL', 'AbortController', 'TextDecoder', 'console', 'fetch', 'performance', 'process',
  'setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'Blob', 'FormData']

export default [
  js.configs.recommended,
  {
    languageOptions: { ecmaVersion: 2023, sourceType: 'module', globals: Object.fromEntries(node.map((name) => [name, false])) },
    rules: {
      'no-unused-vars': ['error', { argsIgnorePattern: '^_' }],
      'no-var': 'error',
      'prefer-const': 'error',
      eqeqeq: 'error',
      'max-lines': ['error', 300],
      'max-len': ['error', { code: 140 }],
      'object-shorthand': 'error',
    },
  },
]
