return await TwoTower.Api.ApiApplication.RunAsync(args);
