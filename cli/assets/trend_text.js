/* Numbers and times as texts: amounts as heapdiff's tables write them, times in UTC. */
'use strict';

const SCALES = {
    bytes: {names: ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'], step: 1024, exact: 1023},
    count: {names: ['', 'k', 'M', 'G', 'T', 'P', 'E'], step: 1000, exact: 9999},
};

const scaleOf = unit => SCALES[unit === 'byte' ? 'bytes' : unit] || SCALES.count;

function formatAmount(value, unit, withSign) {
    const scale = scaleOf(unit), sign = value < 0 ? '-' : withSign && value > 0 ? '+' : '';
    let size = Math.abs(value), index = 0;
    if (scale === SCALES.count && size > 0 && size < 9.995 && size % 1)
        return sign + size.toFixed(2);
    if (Math.round(size) <= scale.exact)
        return Math.round(size) ? sign + Math.round(size) : '0';
    while (index < scale.names.length - 1 && size >= scale.step - 0.5) {
        size /= scale.step;
        index++;
    }
    const places = scale === SCALES.bytes && size >= 10 && size % 1 === 0 ? 0 : size < 9.995 ? 2 : size < 99.95 ? 1 : 0;
    return sign + size.toFixed(places) + scale.names[index];
}

/* Hours as a person would say them; null is never. */
function formatHours(hours) {
    if (hours === null)
        return 'never';
    if (hours < 1)
        return Math.round(hours * 60) + 'm';
    if (hours < 72)
        return (hours < 9.95 ? hours.toFixed(1) : Math.round(hours)) + 'h';
    return hours < 24 * 730 ? Math.round(hours / 24) + 'd' : Math.round(hours / 24 / 365.25) + 'y';
}

function formatSpan(hours) {
    const whole = Math.round(hours * 3600);
    const parts = [[Math.floor(whole / 86400), 'd'], [Math.floor(whole / 3600) % 24, 'h'], [Math.floor(whole / 60) % 60, 'm'], [whole % 60, 's']];
    const first = parts.findIndex(([amount]) => amount > 0);
    return first < 0 ? '0s' : parts.slice(first, first + 2).map(([amount, unit]) => amount + unit).join(' ');
}

const twoDigits = number => String(number).padStart(2, '0');

/* `span` in milliseconds says what may be left out. */
function formatTime(time, span, isWhole) {
    const date = new Date(time);
    const day = `${date.getUTCFullYear()}-${twoDigits(date.getUTCMonth() + 1)}-${twoDigits(date.getUTCDate())}`;
    const minute = `${twoDigits(date.getUTCHours())}:${twoDigits(date.getUTCMinutes())}`;
    const second = `${minute}:${twoDigits(date.getUTCSeconds())}`;
    if (isWhole)
        return `${day} ${span < 36e5 ? second : minute} UTC`;
    if (span > 20 * 864e5)
        return day.slice(5);
    if (span > 2 * 864e5)
        return `${day.slice(5)} ${minute}`;
    return span < 12e5 ? second : minute;
}

/* Round steps from low to high, about `count` of them; `base` is 2 for bytes and 10 for what is counted. */
function findTicks(low, high, count, isBinary) {
    const raw = (high - low) / Math.max(count, 1);
    if (!(raw > 0))
        return [low];
    const base = isBinary ? 2 : 10, power = base ** Math.floor(Math.log(raw) / Math.log(base));
    const step = isBinary ? power * 2 : [1, 2, 5, 10].map(n => n * power).find(n => n >= raw);
    const ticks = [];
    for (let tick = Math.ceil(low / step) * step; tick <= high + step * 1e-9; tick += step)
        ticks.push(Math.abs(tick) < step * 1e-9 ? 0 : tick);
    return ticks;
}

const TIME_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 345600, 604800, 1209600, 2592000, 7776000].map(s => s * 1000);

function findTimes(low, high, count) {
    const step = TIME_STEPS.find(step => (high - low) / step <= count) || TIME_STEPS[TIME_STEPS.length - 1], times = [];
    for (let time = Math.ceil(low / step) * step; time <= high; time += step)
        times.push(time);
    return times;
}
