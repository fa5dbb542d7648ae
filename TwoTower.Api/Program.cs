return await TwoTower.Web.ApiApplication.RunAsync(args);
