select origin, observed_at, temp, wind_speed, precip, visib, sky, wind from {{ ref('stg_weather') }}
