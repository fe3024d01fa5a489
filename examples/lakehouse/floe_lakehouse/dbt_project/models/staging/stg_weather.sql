-- The hour's weather at each of the three airports, in words as well as in figures.
select
    origin,
    time_hour as observed_at,
    temp,
    wind_speed,
    precip,
    visib,
    case
        when visib < 3 then 'fog'
        when precip > 0 then 'rain'
        else 'clear'
    end as sky,
    case
        when wind_speed is null then 'unknown'
        when wind_speed < 8 then 'calm'
        when wind_speed < 16 then 'breezy'
        else 'windy'
    end as wind
from {{ source('raw', 'weather') }}
