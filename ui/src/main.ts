import './app.css';
import { mount } from 'svelte';

import App from './App.svelte';
import { useLanguage } from './texts';
import { settings } from './state/settings.svelte';

const target = document.getElementById('app');
if (!target) throw new Error('index.html has no #app');
settings.apply();
document.documentElement.lang = await useLanguage(navigator.languages);
mount(App, { target });
